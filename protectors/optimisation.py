"""The optimisation loop that all methods share. They differ in their loss, their step rule and their stop rule."""

from abc import ABC, abstractmethod
from collections.abc import Generator

import torch
from torch import Tensor

from protectors.base import Budget, CloakedBatch, Protector
from protectors.perception import VisibilityModel
from protectors.progress import Progress

SHAPED_STEP = 1 / 255
"""Root mean square of a shaped step. Smaller steps vanish when the photo is saved; larger ones cost quality."""

REFINEMENTS = 8
"""Further steps in which a finished image's perturbation is made smaller."""

LAST_STEP = 0.35
"""Factor on the last step if visibility is bounded: near the bound, steps as large as the first make no progress."""

SHRINKING, GROWING = 0.85, 1.05
"""Factors on a perturbation's size while the image is finished, and while it is not."""


class Objective(ABC):
    """The goal for one batch of images [B, 3, H, W], and the step towards it."""

    stage: str
    shrinks = False
    """Whether optimisation continues on finished images, to make their perturbations smaller."""

    @abstractmethod
    def finished(self, images: Tensor, step: int) -> Tensor:
        """Return which images [B] (bool) need no further step. Called before each step with images on 8-bit levels."""

    @abstractmethod
    def descend(self, images: Tensor, step: int, visibility: VisibilityModel | None) -> Tensor:
        """Return the step to subtract [B, 3, H, W] from images; the visibility model, if any, weights its direction."""


class Descent(Objective):
    """An objective that follows the gradient of a loss."""

    @abstractmethod
    def loss(self, images: Tensor, step: int) -> Tensor:
        """Return the losses [B] to minimise, differentiable with respect to images [B, 3, H, W]."""

    @abstractmethod
    def update(self, gradient: Tensor, step: int) -> Tensor:
        """Return the step to subtract [B, 3, H, W], computed from the gradient."""

    def descend(self, images: Tensor, step: int, visibility: VisibilityModel | None) -> Tensor:
        held = images.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(self.loss(held, step).sum(), held)
        with torch.no_grad():
            return self.update(visibility.weighted_direction(gradient) if visibility else gradient, step)


class Optimising(Protector):
    """A protector that optimises an objective in the shared loop."""

    @abstractmethod
    def objective(self, originals: Tensor, budget: Budget) -> Objective:
        """Return the objective for originals [B, 3, H, W]."""

    def protect(self, originals: Tensor, budget: Budget) -> Generator[Progress, None, CloakedBatch]:
        return (yield from optimise(originals, self.objective(originals, budget), budget))


def on_levels(images: Tensor) -> Tensor:
    """Round to the 256 levels of an 8-bit file."""
    return (images * 255).round() / 255


def within(images: Tensor, originals: Tensor, radius: float) -> Tensor:
    """Return the nearest images that differ from the originals by at most ``radius`` a value, in the range [0, 1]."""
    return torch.minimum(torch.maximum(images, originals - radius), originals + radius).clamp(0, 1)


def shaped_step(direction: Tensor) -> Tensor:
    """Return a step [B, 3, H, W] along a direction: root mean square ``SHAPED_STEP``, values at most four times that.

    It keeps the direction's shape where FGSM keeps only its sign, so the perturbation is spent where it acts. The effect on the
    adversary is the same at a PSNR some dB higher.
    """
    spread = direction.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)
    return (SHAPED_STEP * direction / spread).clamp(-4 * SHAPED_STEP, 4 * SHAPED_STEP)


def size_of(perturbation: Tensor) -> Tensor:
    """Return the root mean square [B, 1, 1, 1] of perturbations [B, 3, H, W]."""
    return perturbation.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-9)


def optimise(
    originals: Tensor, objective: Objective, budget: Budget, start: Tensor | None = None
) -> Generator[Progress, None, CloakedBatch]:
    """Optimise an objective within the budget around the originals [B, 3, H, W]. Finished images no longer move.

    If the objective shrinks, they continue as in Rony et al. (Decoupling direction and norm, CVPR 2019): each step turns the
    perturbation, whose size then falls while the image is finished and grows while it is not. The smallest one is kept.

    If the budget bounds visibility, sizes are measured in just noticeable differences. Gradients are weighted by these and
    smoothed, since smooth perturbations are noticed least and survive most.

    ``start`` [B, 3, H, W] is the result of an earlier run within the same budget.
    """
    visibility = VisibilityModel(originals) if budget.noticeable else None
    images = originals if start is None else start

    def size(perturbation: Tensor) -> Tensor:
        return visibility.size(perturbation) if visibility else size_of(perturbation)

    kept, smallest = images, torch.full_like(size_of(images), torch.inf)
    steps = torch.full((len(originals),), budget.steps, device=originals.device)
    found = torch.zeros_like(steps, dtype=torch.bool)
    # The further steps also let a late finisher's perturbation shrink.
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
    return CloakedBatch(on_levels(made), tuple(steps.tolist()), made)


def settling(step: int, budget: Budget) -> float:
    """Return the factor on a step: if visibility is bounded, it falls linearly from 1 to ``LAST_STEP``."""
    if budget.noticeable is None:
        return 1.0
    return 1 - (1 - LAST_STEP) * min(1.0, step / budget.steps)


def _by_image(chosen: Tensor) -> Tensor:
    """Reshape [B] to [B, 1, 1, 1]."""
    return chosen[:, None, None, None]
