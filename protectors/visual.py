"""Protective perturbations: pictures that mean nothing to people while a chosen classifier still reads them.

Source: the protective-perturbation paper. A U-Net, trained against one target model, draws the perturbation in a single
pass; an auxiliary model of another make stood for everybody else's eyes in training and does so in the verdicts. For sites
that must recognise but not see, and never a default: the picture is spoilt for people on purpose.
"""

from collections.abc import Generator

import torch
from torch import Tensor, nn
from torch.nn import functional

from protectors.adversaries.classifier import Classifier
from protectors.base import Budget, Outcome, Progress, Protector, Verdict
from protectors.optimisation import on_levels
from protectors.quality import ssim_of

UNREADABLE = 0.3
"""Structural similarity at which a picture no longer looks like itself."""

PROJECTIONS = 8
"""Corrections after which an enlarged picture, made small again, is within two levels of what was drawn."""


class PerturbationGenerator:
    """Wraps the network that draws perturbations [B, 3, side, side], in [-1, 1] after tanh, for the target's input size."""

    def __init__(self, name: str, network: nn.Module, side: int) -> None:
        self.name = name
        self.network = network.eval().requires_grad_(False)
        self.side = side

    @torch.no_grad()
    def draw(self, images: Tensor) -> Tensor:
        """Perturbed images [B, 3, side, side] in [0, 1] of images that are as large."""
        return perturbed(self.network, images)


def perturbed(network: nn.Module, images: Tensor) -> Tensor:
    """Images [B, 3, H, W] in [0, 1] with the perturbation that the network draws for them; differentiable for its training."""
    drawn: Tensor = torch.tanh(network(2 * images - 1))
    return (images + drawn).clamp(0, 1)


def smaller(images: Tensor, side: int) -> Tensor:
    """[B, 3, side, side], as a service resizes an upload to its model's input."""
    return functional.interpolate(images, (side, side), mode="bilinear", antialias=True, align_corners=False)


def enlarged_for(drawn: Tensor, height: int, width: int) -> Tensor:
    """[B, 3, height, width] that becomes ``drawn`` [B, 3, side, side] again where a service makes it small.

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


class VisualProtector(Protector):
    """Protective perturbation by one generator. ``auxiliary`` stands for other eyes in the verdicts; ``target`` is the model
    that shall still read the picture, where it is at hand (a service's own may not be)."""

    name = "visual"
    bounded = False

    def __init__(self, generator: PerturbationGenerator, auxiliary: Classifier, target: Classifier | None = None) -> None:
        self.generator = generator
        self.auxiliary = auxiliary
        self.target = target

    def protect(self, originals: Tensor, budget: Budget, start: Tensor | None = None) -> Generator[Progress, None, Outcome]:
        """One pass, so the budget's steps do not count; nor does its radius, as the change is meant to be seen."""
        yield Progress(self.name, 0, 1)
        side = self.generator.side
        fits = originals.shape[2:] == (side, side)
        drawn = on_levels(self.generator.draw(originals if fits else smaller(originals, side)))
        images = on_levels(enlarged_for(drawn, originals.shape[2], originals.shape[3]))
        yield Progress(self.name, 1, 1)
        return Outcome(images, (1,) * len(originals))

    def judge(self, originals: Tensor, delivered: Tensor, surely: bool = False) -> list[Verdict]:
        """By image: the auxiliary model's verdict, protected where it reads another class, then that of the target or of the
        generator itself, protected where the picture no longer looks like itself; what the target reads stands beside it."""
        side = self.generator.side
        likeness = ssim_of(smaller(originals, side), smaller(delivered, side)).tolist()
        blind = [
            Verdict(self.name, self.auxiliary.name, first != second, (first,), (second,))
            for first, second in zip(named(self.auxiliary, originals), named(self.auxiliary, delivered), strict=True)
        ]
        if self.target is None:
            unseen = [Verdict(self.name, self.generator.name, value <= UNREADABLE, (), ()) for value in likeness]
        else:
            unseen = [
                Verdict(self.name, self.target.name, value <= UNREADABLE, (first,), (second,))
                for value, first, second in zip(
                    likeness, named(self.target, originals), named(self.target, delivered), strict=True
                )
            ]
        return [verdict for pair in zip(blind, unseen, strict=True) for verdict in pair]


def named(classifier: Classifier, images: Tensor) -> list[str]:
    """The class read first in each of [B, 3, H, W]."""
    return [classifier.classes[label] for label in classifier.read(images).argmax(1).tolist()]
