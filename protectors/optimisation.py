"""The one loop behind every method. Methods differ in their loss, their step rule and their stop rule, not in their loops."""

from collections.abc import Generator
from typing import Protocol

import torch
from torch import Tensor

from protectors.base import Budget, Outcome, Progress

SHAPED_STEP = 1 / 255
"""Root mean square of a shaped step: a smaller one vanishes when the photo is saved, a larger one costs quality."""

REFINEMENTS = 8
"""Steps that a finished image's change is made smaller for."""

SHRINKING, GROWING = 0.85, 1.05
"""What a change's size is multiplied by, where the image is finished and where it no longer is."""


class Objective(Protocol):
    """What a method asks of the loop."""

    stage: str
    shrinks: bool
    """Whether an image that is finished goes on: its change is made smaller for as long as it stays finished."""

    def loss(self, images: Tensor, step: int) -> Tensor:
        """Losses [B] to be lowered, differentiable with respect to images [B, 3, H, W]."""

    def finished(self, images: Tensor, step: int) -> Tensor:
        """Which images [B] (bool) need no further step. Called before each step, with that step's images on 8-bit levels."""

    def update(self, gradient: Tensor, step: int) -> Tensor:
        """The change [B, 3, H, W] to subtract, made from the gradient."""


def on_levels(images: Tensor) -> Tensor:
    """Round to the 256 levels of an 8-bit file: only what survives this is delivered."""
    return (images * 255).round() / 255


def within(images: Tensor, originals: Tensor, radius: float) -> Tensor:
    """The nearest images that differ from the originals by at most ``radius`` a value, in the range [0, 1]."""
    return torch.minimum(torch.maximum(images, originals - radius), originals + radius).clamp(0, 1)


def shaped_step(direction: Tensor) -> Tensor:
    """A step [B, 3, H, W] along a direction, ``SHAPED_STEP`` large, none of its values above four times that.

    It keeps the direction's shape where FGSM keeps its sign alone, so the change is spent where it acts and the rest of the
    picture is left in peace: the same effect on the adversary at some dB more.
    """
    spread = direction.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)
    return (SHAPED_STEP * direction / spread).clamp(-4 * SHAPED_STEP, 4 * SHAPED_STEP)


def size_of(change: Tensor) -> Tensor:
    """Root mean square [B, 1, 1, 1] of changes [B, 3, H, W]."""
    return change.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-9)


def optimise(
    originals: Tensor, objective: Objective, budget: Budget, start: Tensor | None = None
) -> Generator[Progress, None, Outcome]:
    """Lower the objective within the budget round the originals [B, 3, H, W]; images that are finished stand still.

    Where the objective shrinks, they go on from there as in Rony et al. (Decoupling direction and norm, CVPR 2019): each step
    turns the change, whose size then falls where the image is finished and grows where it is not. The smallest one is kept.
    """
    images = originals.clone() if start is None else within(start, originals, budget.radius)
    base = images
    kept, smallest = on_levels(images), torch.full_like(size_of(images), torch.inf)
    steps = torch.full((len(originals),), budget.steps, device=originals.device)
    found = torch.zeros_like(steps, dtype=torch.bool)
    for step in range(budget.steps + 1):
        levels = on_levels(images)
        done = objective.finished(levels, step)
        steps = torch.where(done & ~found, step, steps)
        found |= done
        sizes = size_of(levels - base)
        better = _by_image(done) & (sizes < smallest)
        kept, smallest = torch.where(better, levels, kept), torch.where(better, sizes, smallest)
        active = step < steps + REFINEMENTS if objective.shrinks else ~found
        if step == budget.steps or not active.any():
            break
        images = images.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(objective.loss(images, step).sum(), images)
        with torch.no_grad():
            moved = images - objective.update(gradient, step)
            if objective.shrinks:
                factor = torch.where(_by_image(done), SHRINKING, GROWING)
                turned = base + (moved - base) / size_of(moved - base) * size_of(images - base) * factor
                moved = torch.where(_by_image(found), turned, moved)
            images = torch.where(_by_image(active), within(moved, originals, budget.radius), images)
        yield Progress(objective.stage, step + 1, budget.steps)
    return Outcome(torch.where(_by_image(found), kept, on_levels(images.detach())), tuple(steps.tolist()))


def _by_image(chosen: Tensor) -> Tensor:
    """[B] as [B, 1, 1, 1]."""
    return chosen[:, None, None, None]
