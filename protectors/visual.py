"""Protective perturbations: pictures that mean nothing to people while a chosen classifier still reads them.

Source: the protective-perturbation paper. A U-Net, trained against one target model, draws the perturbation in a single
pass. An auxiliary model of another architecture stands for all other viewers, in training and in the verdicts. This is for
sites that must recognise pictures without people seeing them. It is never a default, since it spoils the picture on purpose.
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
"""Largest structural similarity at which a picture no longer looks like itself."""

SETTLING_STEP = 3 / 255
"""Sign step on a drawing that is not yet read as intended."""

RECOGNISED, UNREAD = 0.6, 0.25
"""The target's least and the auxiliary model's largest probability of the class; both leave room for the loss in saving."""

UNLIKE, LIKENESS_WEIGHT = 0.25, 20.0
"""The largest structural similarity of a drawing, and the weight of any excess in the loss."""

PROJECTIONS = 8
"""Number of back-projections that correct an enlarged picture."""


class PerturbationGenerator:
    """Wraps the network that draws perturbations [B, 3, side, side], in [-1, 1] after tanh, at the target's input size."""

    def __init__(self, name: str, network: nn.Module, side: int) -> None:
        self.name = name
        self.network = network.eval().requires_grad_(False)
        self.side = side

    @torch.no_grad()
    def draw(self, images: Tensor) -> Tensor:
        """Return the perturbed images of images [B, 3, side, side] in [0, 1]."""
        return perturbed(self.network, images)


def perturbed(network: nn.Module, images: Tensor) -> Tensor:
    """Add the network's perturbation to images [B, 3, H, W] in [0, 1]; differentiable for its training."""
    drawn: Tensor = torch.tanh(network(2 * images - 1))
    return (images + drawn).clamp(0, 1)


def smaller(images: Tensor, side: int) -> Tensor:
    """Resize images to [B, 3, side, side] as a service resizes an upload to its model's input."""
    return resized(images, side, side)


def enlarged_for(drawn: Tensor, height: int, width: int) -> Tensor:
    """Enlarge ``drawn`` [B, 3, side, side] to [B, 3, height, width] so that a service's resizing gives it back.

    Bicubic enlargement is followed by back-projection (Irani and Peleg, Improving resolution by image registration, 1991): the
    difference after resizing back is enlarged and added. For harsh drawings, clamping to [0, 1] leaves some difference, so
    generators are also trained to be read after some smoothing.
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
    """Smooth images [B, 3, H, W] as pixel repetition and a service's resizing do to photos of other sizes."""
    larger = functional.interpolate(images, scale_factor=4, mode="nearest")
    return resized(larger, images.shape[2], images.shape[3])


def unread(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the loss -log(1 - p) [B] of the labels' probabilities, which unlike negated cross-entropy is bounded below."""
    label_logits = logits.gather(1, labels[:, None])[:, 0]
    others = logits.scatter(1, labels[:, None], float("-inf")).logsumexp(1)
    return functional.softplus(label_logits - others)


class VisualProtector(Protector):
    """Draws protective perturbations with one generator. ``auxiliary`` stands for other viewers in the verdicts. ``target`` is
    the model that must still read the picture, or None if it is not available, as a service's may be."""

    name = "visual"

    def __init__(self, generator: PerturbationGenerator, auxiliary: Classifier, target: Classifier | None = None) -> None:
        self.generator = generator
        self.auxiliary = auxiliary
        self.target = target

    def protect(self, originals: Tensor, budget: Budget) -> Generator[Progress, None, CloakedBatch]:
        """Draw in one pass, as published, then correct drawings that are not read as intended, in up to the budget's steps. The
        budget's radius is ignored, since the perturbation is meant to be seen."""
        side = self.generator.side
        fits = originals.shape[2:] == (side, side)
        small = originals if fits else smaller(originals, side)
        drawn, steps = yield from self._settled(small, self.generator.draw(small), budget.steps)
        made = enlarged_for(drawn, originals.shape[2], originals.shape[3])
        return CloakedBatch(on_levels(made), steps, made)

    def _settled(self, small: Tensor, drawn: Tensor, most: int) -> Generator[Progress, None, tuple[Tensor, tuple[int, ...]]]:
        """Correct drawings [B, 3, side, side] until the target reads them like the originals and the auxiliary model does not,
        also after smoothing. Return them with the number of passes that each took."""
        if self.target is None:
            # Corrections by the auxiliary model alone would spoil what the absent target recognises.
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
        """Return the loss [B] of drawings, which [B] of them are ready, and the leaf tensor of the loss."""
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
        """Return a judge's questions: whether the auxiliary model reads another class, and whether the picture no longer looks
        like itself. The second also reports what the target reads, if it is available."""
        picture = SmallPicture(self.target or self.generator, self.generator.side)
        return (
            Question(self.name, self.auxiliary, ReadAsAnother()),
            Question(self.name, picture, LooksUnlike(UNREADABLE)),
        )


class SmallPicture:
    """Reads a picture as a service does: resized to its model's input, with the class that the model reads if available."""

    def __init__(self, reader: Classifier | PerturbationGenerator, side: int) -> None:
        self.name = reader.name
        self._classifier = reader if isinstance(reader, Classifier) else None
        self._side = side

    def readings(self, images: Tensor) -> list[Reading]:
        """Return for each image the picture at the service's size, and the class read first if a model is available."""
        seen = smaller(images, self._side).split(1)
        read = self._classifier.readings(images) if self._classifier else [Reading()] * len(images)
        return [replace(reading, seen=picture) for reading, picture in zip(read, seen, strict=True)]


def share_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the probability [B] of each label."""
    return functional.softmax(logits.detach(), 1).gather(1, labels[:, None])[:, 0]
