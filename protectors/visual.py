"""Protective perturbations: pictures that mean nothing to people while a chosen classifier still reads them.

Source: the protective-perturbation paper. A U-Net, trained against one target model, draws the perturbation in a single
pass; an auxiliary model of another make stood for everybody else's eyes in training and does so in the verdicts. For sites
that must recognise but not see, and never a default: the picture is spoilt for people on purpose.
"""

from collections.abc import Generator
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from protectors.adversaries.classifier import Classifier
from protectors.adversaries.reading import Reading
from protectors.base import Budget, CloakedBatch, Protector
from protectors.channel.resizing import resized
from protectors.judging.criteria import LooksUnlike, ReadAsAnother
from protectors.judging.question import Question
from protectors.optimisation import on_levels
from protectors.progress import Progress
from protectors.quality import ssim_of

UNREADABLE = 0.3
"""Structural similarity at which a picture no longer looks like itself."""

SETTLING_STEP = 3 / 255
"""Of a drawing that is not yet read as it should be."""

RECOGNISED, UNREAD = 0.6, 0.25
"""The target's probability of the class, at least, and the auxiliary model's, at most: room for what saving costs."""

UNLIKE, LIKENESS_WEIGHT = 0.25, 20.0
"""The structural similarity that a drawing may keep, and how much more weighs."""

PROJECTIONS = 8
"""Corrections of an enlarged picture towards one that, made small again, is what was drawn."""


class PerturbationGenerator:
    """Wraps the network that draws perturbations [B, 3, side, side], in [-1, 1] after tanh, for the target's input size."""

    def __init__(self, name: str, network: nn.Module, side: int) -> None:
        self.name = name
        self.network = network.eval().requires_grad_(False)
        self.side = side

    @torch.no_grad()
    def draw(self, images: Tensor) -> Tensor:
        """Return perturbed images [B, 3, side, side] in [0, 1] of images that are as large."""
        return perturbed(self.network, images)


def perturbed(network: nn.Module, images: Tensor) -> Tensor:
    """Return images [B, 3, H, W] in [0, 1] with the perturbation that the network draws; differentiable for its training."""
    drawn: Tensor = torch.tanh(network(2 * images - 1))
    return (images + drawn).clamp(0, 1)


def smaller(images: Tensor, side: int) -> Tensor:
    """Return [B, 3, side, side], as a service resizes an upload to its model's input."""
    return resized(images, side, side)


def enlarged_for(drawn: Tensor, height: int, width: int) -> Tensor:
    """Return [B, 3, height, width] that becomes ``drawn`` [B, 3, side, side] again where a service makes it small.

    Bicubic enlargement, then back-projection (Irani and Peleg, Improving resolution by image registration, 1991): what
    is lost on the way back is enlarged and added. Where the drawing is harsh, [0, 1] leaves no room for all of that: the
    generators are trained to be read after some smoothing as well.
    """
    side = drawn.shape[2]
    if (height, width) == (side, side):
        return drawn

    def enlarged(images: Tensor) -> Tensor:
        return functional.interpolate(images, (height, width), mode="bicubic", align_corners=False)

    images = enlarged(drawn).clamp(0, 1)
    for _ in range(PROJECTIONS):
        images = (images + enlarged(drawn - smaller(images, side))).clamp(0, 1)
    return images


def smoothed(images: Tensor) -> Tensor:
    """Return images [B, 3, H, W] as a service sees them after pixel repetition enlarged them, as photos of any size suffer."""
    larger = functional.interpolate(images, scale_factor=4, mode="nearest")
    return resized(larger, images.shape[2], images.shape[3])


def unread(logits: Tensor, labels: Tensor) -> Tensor:
    """Return how far [B] the labels are from unread: -log(1 - p), which unlike the negated cross-entropy is bounded below."""
    label_logits = logits.gather(1, labels[:, None])[:, 0]
    others = logits.scatter(1, labels[:, None], float("-inf")).logsumexp(1)
    return functional.softplus(label_logits - others)


class VisualProtector(Protector):
    """Protective perturbation by one generator. ``auxiliary`` stands for other eyes in the verdicts; ``target`` is the model
    that shall still read the picture, where it is at hand (a service's own may not be)."""

    name = "visual"

    def __init__(self, generator: PerturbationGenerator, auxiliary: Classifier, target: Classifier | None = None) -> None:
        self.generator = generator
        self.auxiliary = auxiliary
        self.target = target

    def protect(self, originals: Tensor, budget: Budget) -> Generator[Progress, None, CloakedBatch]:
        """One pass, as published; where the drawing is not yet read as it should be, up to the budget's steps more. The
        budget's radius does not count, as the perturbation is meant to be seen."""
        side = self.generator.side
        fits = originals.shape[2:] == (side, side)
        small = originals if fits else smaller(originals, side)
        drawn, steps = yield from self._settled(small, self.generator.draw(small), budget.steps)
        made = enlarged_for(drawn, originals.shape[2], originals.shape[3])
        return CloakedBatch(on_levels(made), steps, made)

    def _settled(self, small: Tensor, drawn: Tensor, most: int) -> Generator[Progress, None, tuple[Tensor, tuple[int, ...]]]:
        """Return the drawings [B, 3, side, side] once the target reads in them what it read in the originals and the auxiliary
        model does not, also after some smoothing, and the passes that each took."""
        if self.target is None:
            # Who would settle by the auxiliary model alone spoils what the service's own, which is not here, recognises.
            yield Progress(self.name, 1, 1)
            return on_levels(drawn), (1,) * len(small)
        blind = self.auxiliary.read(small).argmax(1)
        seeing = self.target.read(small).argmax(1)
        steps = torch.ones_like(blind)
        rest = torch.arange(len(small), device=small.device)
        for step in range(most):
            yield Progress(self.name, step, most)
            loss, ready, free = self._unsettled(self.target, small[rest], drawn[rest], blind[rest], seeing[rest])
            rest = rest[~ready]
            if not len(rest):
                break
            (gradient,) = torch.autograd.grad(loss.sum(), free)
            drawn[rest] = (drawn[rest] - SETTLING_STEP * gradient[~ready].sign()).clamp(0, 1)
            steps[rest] += 1
        yield Progress(self.name, most, most)
        return on_levels(drawn), tuple(steps.tolist())

    def _unsettled(
        self, target: Classifier, small: Tensor, drawn: Tensor, blind: Tensor, seeing: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return what is wrong [B] with drawings as a loss, which [B] of them are ready, and the leaf of that loss."""
        free = drawn.clone().requires_grad_(True)
        loss, ready = torch.zeros_like(blind, dtype=drawn.dtype), torch.ones_like(blind, dtype=torch.bool)
        for form in (free, smoothed(free)):
            likeness = ssim_of(small, form)
            loss = loss + LIKENESS_WEIGHT * (likeness - UNLIKE).clamp(min=0)
            ready &= likeness.detach() <= UNLIKE
            others = self.auxiliary.logits(form)
            loss = loss + unread(others, blind)
            ready &= share_of(others, blind) <= UNREAD
            target_logits = target.logits(form)
            loss = loss + functional.cross_entropy(target_logits, seeing, reduction="none")
            ready &= share_of(target_logits, seeing) >= RECOGNISED
        return loss, ready, free

    def questions(self) -> tuple[Question, Question]:
        """Return the questions for a judge: whether the auxiliary model reads another class, and whether the picture no longer
        looks like itself; beside the second stands what the target reads, where it is at hand."""
        picture = SmallPicture(self.target or self.generator, self.generator.side)
        return (
            Question(self.name, self.auxiliary, ReadAsAnother()),
            Question(self.name, picture, LooksUnlike(UNREADABLE)),
        )


class SmallPicture:
    """The picture as a service sees it that makes it small, and what its model reads in it, where that is at hand."""

    def __init__(self, reader: Classifier | PerturbationGenerator, side: int) -> None:
        self.name = reader.name
        self._classifier = reader if isinstance(reader, Classifier) else None
        self._side = side

    def readings(self, images: Tensor) -> list[Reading]:
        """Return for each image the picture at the service's size, and the class read first, if any model is there."""
        seen = smaller(images, self._side).split(1)
        read = self._classifier.readings(images) if self._classifier else [Reading()] * len(images)
        return [replace(reading, seen=picture) for reading, picture in zip(read, seen, strict=True)]


def share_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the probability [B] of each label."""
    return functional.softmax(logits.detach(), 1).gather(1, labels[:, None])[:, 0]
