"""Refines one perturbation against several networks: one network and one random view a step, within the floor of quality."""

from collections.abc import Generator, Sequence

import torch
from torch import Tensor

from protectors.judging.quality import Quality
from protectors.progress import Progress
from protectors.quality import as_pixels, reaches
from protectors.refinement.field import Maps, PerturbationField, StepMemory
from protectors.refinement.objective import NetworkObjective
from protectors.refinement.views import random_view

FIRST_SIZE = 1.0
"""How much may be noticed of the perturbation until its floor is looked for: about as much as balanced allows."""

STEP = 0.25
"""A step's length over the size that is allowed, at first."""

LAST_STEP = 0.3
"""What the last step's length is multiplied by; between, it falls evenly."""

SPARE = 1.05
"""How much larger than the floor allows the perturbation may be while it is refined: it is brought to the floor at the end."""

LEAST_SIZE = 0.05

LARGEST_SHARE = 2.0
TRIALS = 5
"""Halvings in the search for the share of a perturbation that the floor allows."""


class Refinement:
    """The perturbation of one photo while it is refined.

    Args:
        original: the photo [1, 3, H, W] in [0, 1] at the working resolution.
        objectives: one for each network; they take turns.
        floor: the quality that the photo shall keep.
        chance: draws the views.
    """

    def __init__(
        self, original: Tensor, objectives: Sequence[NetworkObjective], floor: Quality, chance: torch.Generator
    ) -> None:
        self._field = PerturbationField(original)
        self._maps = self._field.nothing()
        self._memory = StepMemory()
        self._objectives = tuple(objectives)
        self._floor = floor
        self._chance = chance
        self._largest = FIRST_SIZE

    @property
    def perturbation(self) -> Tensor:
        """The perturbation [1, 3, H, W] as it is now, about as large as the floor allows."""
        return self._field.perturbation(self._maps)

    def run(self, steps: int, names: Sequence[str] = ()) -> Generator[Progress, None, None]:
        """Take steps of one gradient call each; yields progress at every step, closing cancels.

        Half way, the size is set to what the floor allows, and the rest of the steps are spent within that. ``names`` are the
        networks whose turn it is; all of them where none is named.
        """
        turns = [objective for objective in self._objectives if not names or objective.name in names]
        for step in range(steps):
            objective = turns[step % len(turns)]
            length = STEP * self._largest * (1 - (1 - LAST_STEP) * step / steps)
            self._take(self._memory.step(self._gradients(objective), length))
            if step + 1 == steps // 2:
                self._look_at_floor()
            yield Progress(objective.stage, step + 1, steps)

    def _gradients(self, objective: NetworkObjective) -> Maps:
        held = (self._maps[0].detach().requires_grad_(True), self._maps[1].detach().requires_grad_(True))
        loss = objective.loss(random_view(self._field.cloaked(held), self._chance))
        brightness, colour = torch.autograd.grad(loss, held)
        return brightness, colour

    def _take(self, step: Maps) -> None:
        self._maps = self._field.limited((self._maps[0] - step[0], self._maps[1] - step[1]), self._largest)

    def _look_at_floor(self) -> None:
        share = share_within(self._field.original, self.perturbation, self._floor)
        self._largest = max(LEAST_SIZE, share * self._field.size(self._maps) * SPARE)
        self._maps = self._field.limited(self._maps, self._largest)


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
