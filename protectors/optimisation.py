"""The one loop behind every method. Methods differ in their loss, their step rule and their stop rule, not in their loops."""

from collections.abc import Generator
from typing import Protocol

import torch
from torch import Tensor

from protectors.base import Budget, Outcome, Progress

SHAPED_STEP = 1 / 255
"""Root mean square of a shaped step: a smaller one vanishes when the photo is saved, a larger one costs quality."""


class Objective(Protocol):
    """What a method asks of the loop."""

    stage: str

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


def optimise(
    originals: Tensor, objective: Objective, budget: Budget, start: Tensor | None = None
) -> Generator[Progress, None, Outcome]:
    """Lower the objective within the budget round the originals [B, 3, H, W]; images that are finished stand still."""
    images = originals.clone() if start is None else within(start, originals, budget.radius)
    steps = [budget.steps] * len(originals)
    active = torch.ones(len(originals), dtype=torch.bool, device=originals.device)
    for step in range(budget.steps):
        done = objective.finished(on_levels(images), step) & active
        for index in torch.where(done)[0].tolist():
            steps[index] = step
        active &= ~done
        if not active.any():
            break
        images = images.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(objective.loss(images, step).sum(), images)
        with torch.no_grad():
            moved = within(images - objective.update(gradient, step), originals, budget.radius)
            images = torch.where(active[:, None, None, None], moved, images)
        yield Progress(objective.stage, step + 1, budget.steps)
    return Outcome(on_levels(images.detach()), tuple(steps))
