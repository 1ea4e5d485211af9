"""The one loop behind every method. Methods differ in their loss, their step rule and their stop rule, not in their loops."""

from abc import ABC, abstractmethod
from collections.abc import Generator

import torch
from torch import Tensor

from protectors.base import Budget, Outcome, Protector
from protectors.perception import VisibilityModel
from protectors.progress import Progress

SHAPED_STEP = 1 / 255
"""Root mean square of a shaped step: a smaller one vanishes when the photo is saved, a larger one costs quality."""

REFINEMENTS = 8
"""Steps that a finished image's perturbation is made smaller for."""

LAST_STEP = 0.35
"""Factor of the last step where the whole perturbation is bounded: steps as large as the first would only go round it."""

SHRINKING, GROWING = 0.85, 1.05
"""Factors of a perturbation's size, where the image is finished and where it no longer is."""


class Objective(ABC):
    """The goal for one batch of images [B, 3, H, W], and a way there."""

    stage: str
    shrinks = False
    """Whether an image that is finished goes on: its perturbation is made smaller for as long as it stays finished."""

    @abstractmethod
    def finished(self, images: Tensor, step: int) -> Tensor:
        """Return which images [B] (bool) need no further step. Called before each step, with its images on 8-bit levels."""

    @abstractmethod
    def descend(self, images: Tensor, step: int, visibility: VisibilityModel | None) -> Tensor:
        """Return what to subtract [B, 3, H, W] from images in this step; the visibility model prefers some directions."""


class Descent(Objective):
    """An objective that follows the gradient of a loss. Methods differ in their loss, their update and their stop rule."""

    @abstractmethod
    def loss(self, images: Tensor, step: int) -> Tensor:
        """Return losses [B] to be lowered, differentiable with respect to images [B, 3, H, W]."""

    @abstractmethod
    def update(self, gradient: Tensor, step: int) -> Tensor:
        """Return what to subtract [B, 3, H, W], made from the gradient."""

    def descend(self, images: Tensor, step: int, visibility: VisibilityModel | None) -> Tensor:
        held = images.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(self.loss(held, step).sum(), held)
        with torch.no_grad():
            return self.update(visibility.preferred(gradient) if visibility else gradient, step)


class Optimising(Protector):
    """A protector that is an objective for the loop."""

    @abstractmethod
    def objective(self, originals: Tensor, budget: Budget) -> Objective:
        """Return what has to be reached for originals [B, 3, H, W]."""

    def protect(self, originals: Tensor, budget: Budget) -> Generator[Progress, None, Outcome]:
        return (yield from optimise(originals, self.objective(originals, budget), budget))


def on_levels(images: Tensor) -> Tensor:
    """Round to the 256 levels of an 8-bit file: only what survives this is delivered."""
    return (images * 255).round() / 255


def within(images: Tensor, originals: Tensor, radius: float) -> Tensor:
    """Return the nearest images that differ from the originals by at most ``radius`` a value, in the range [0, 1]."""
    return torch.minimum(torch.maximum(images, originals - radius), originals + radius).clamp(0, 1)


def shaped_step(direction: Tensor) -> Tensor:
    """Return a step [B, 3, H, W] along a direction, ``SHAPED_STEP`` large, none of its values above four times that.

    It keeps the direction's shape where FGSM keeps its sign alone, so the perturbation is spent where it acts and the rest
    of the picture is left in peace: the same effect on the adversary at some dB more.
    """
    spread = direction.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)
    return (SHAPED_STEP * direction / spread).clamp(-4 * SHAPED_STEP, 4 * SHAPED_STEP)


def size_of(perturbation: Tensor) -> Tensor:
    """Return the root mean square [B, 1, 1, 1] of perturbations [B, 3, H, W]."""
    return perturbation.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-9)


def optimise(
    originals: Tensor, objective: Objective, budget: Budget, start: Tensor | None = None
) -> Generator[Progress, None, Outcome]:
    """Lower the objective within the budget round the originals [B, 3, H, W]; images that are finished stand still.

    Where the objective shrinks, they go on from there as in Rony et al. (Decoupling direction and norm, CVPR 2019): each step
    turns the perturbation, whose size then falls where the image is finished and grows where it is not. The smallest one is
    kept.

    Where the budget bounds what is noticeable, sizes are in units of that, and so are directions: gradients are weighed by
    it, and smoothed, since smooth perturbations are noticed least and survive most.

    ``start`` [B, 3, H, W] is where an earlier run came to, within the same budget.
    """
    visibility = VisibilityModel(originals) if budget.noticeable else None
    images = originals if start is None else start

    def size(perturbation: Tensor) -> Tensor:
        return visibility.size(perturbation) if visibility else size_of(perturbation)

    kept, smallest = images, torch.full_like(size_of(images), torch.inf)
    steps = torch.full((len(originals),), budget.steps, device=originals.device)
    found = torch.zeros_like(steps, dtype=torch.bool)
    # An image that is finished late is made smaller all the same.
    for step in range(budget.steps + (REFINEMENTS if objective.shrinks else 0) + 1):
        levels = on_levels(images)
        done = objective.finished(levels, step)
        steps = torch.where(done & ~found, step, steps)
        found |= done
        sizes = size(levels - originals)
        better = _by_image(done) & (sizes < smallest)
        kept, smallest = torch.where(better, images, kept), torch.where(better, sizes, smallest)
        refined = (step < steps + REFINEMENTS) & objective.shrinks
        active = torch.where(found, refined, step < budget.steps)
        if not active.any():
            break
        moved = images - settling(step, budget) * objective.descend(images, step, visibility)
        if objective.shrinks:
            factor = torch.where(_by_image(done), SHRINKING, GROWING)
            turned = originals + (moved - originals) / size(moved - originals) * size(images - originals) * factor
            moved = torch.where(_by_image(found), turned, moved)
        moved = within(moved, originals, budget.radius)
        if budget.noticeable:
            moved = originals + (moved - originals) * (budget.noticeable / size(moved - originals)).clamp(max=1)
        images = torch.where(_by_image(active), moved, images)
        yield Progress(objective.stage, min(step + 1, budget.steps), budget.steps)
    made = torch.where(_by_image(found), kept, images)
    return Outcome(on_levels(made), tuple(steps.tolist()), made)


def settling(step: int, budget: Budget) -> float:
    """Return the factor of a step: 1 at first, and evenly less down to ``LAST_STEP``, where the perturbation is bounded."""
    if budget.noticeable is None:
        return 1.0
    return 1 - (1 - LAST_STEP) * min(1.0, step / budget.steps)


def _by_image(chosen: Tensor) -> Tensor:
    """Return [B] as [B, 1, 1, 1]."""
    return chosen[:, None, None, None]
