"""Refines one perturbation against several networks: one network and one random view a step, within the floor of quality."""

from collections.abc import Generator, Sequence

import torch
from torch import Tensor

from protectors.judging.quality import Quality
from protectors.base import Progress
from protectors.quality import as_pixels, reaches
from protectors.refinement.field import Maps, Momentum, PerturbationField
from protectors.refinement.objective import Objective
from protectors.refinement.views import random_view

FIRST_SIZE = 1.0
"""How much may be noticed of the perturbation until its floor is looked for: about as much as balanced allows."""

STEP = 0.25
"""A step's length over the size that is allowed, at first."""

LAST_STEP = 0.3
"""What the last step's length is multiplied by; between, it falls evenly."""

SPARE = 1.05
"""How much larger than the floor allows the perturbation may be while it is refined: it is brought to the floor at the end."""

LARGEST_SHARE = 2.0
TRIALS = 5
"""Halvings in the search for the share of a perturbation that the floor allows."""


def refine(
    original: Tensor, objectives: Sequence[Objective], floor: Quality, steps: int, chance: torch.Generator
) -> Generator[Progress, None, Tensor]:
    """Refine a perturbation for a photo [1, 3, H, W]; yields progress at every step, closing cancels.

    Half way, its size is set to what the floor allows, and the rest of the steps are spent within that.

    Args:
        original: the photo at the working resolution, in [0, 1].
        objectives: one for each network; they take turns.
        floor: the quality that the photo shall keep.
        steps: gradient calls in all.
        chance: draws the views.

    Returns:
        The perturbation [1, 3, H, W], about as large as the floor allows.
    """
    field, momentum = PerturbationField(original), Momentum()
    maps, largest = field.nothing(), FIRST_SIZE
    for step in range(steps):
        objective = objectives[step % len(objectives)]
        gradients = _gradients(field, maps, objective, chance)
        length = STEP * largest * (1 - (1 - LAST_STEP) * step / steps)
        taken = momentum.step(gradients, length)
        maps = field.limited((maps[0] - taken[0], maps[1] - taken[1]), largest)
        if step + 1 == steps // 2:
            share = share_within(original, field.perturbation(maps), floor)
            largest = max(0.05, share) * field.size(maps) * SPARE
            maps = field.limited(maps, largest)
        yield Progress(objective.name, step + 1, steps)
    return field.perturbation(maps)


def _gradients(field: PerturbationField, maps: Maps, objective: Objective, chance: torch.Generator) -> Maps:
    held = (maps[0].detach().requires_grad_(True), maps[1].detach().requires_grad_(True))
    loss = objective.loss(random_view(field.cloaked(held), chance))
    brightness, colour = torch.autograd.grad(loss, held)
    return brightness, colour


@torch.no_grad()
def share_within(original: Tensor, perturbation: Tensor, floor: Quality, trials: int = TRIALS) -> float:
    """Return the largest share, up to ``LARGEST_SHARE``, of a perturbation that leaves a photo [1, 3, H, W] above a floor."""
    pixels = as_pixels(original)
    low, high = 0.0, LARGEST_SHARE
    for _ in range(trials):
        middle = (low + high) / 2
        if reaches(pixels, as_pixels((original + middle * perturbation).clamp(0, 1)), floor):
            low = middle
        else:
            high = middle
    return low
