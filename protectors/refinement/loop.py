"""Refines one perturbation against several networks: one network and one random view a step, within the floor of quality."""

from collections.abc import Generator, Sequence

import torch
from torch import Tensor

from protectors.floor import LEAST, Trial, predicted
from protectors.judging.quality import Quality
from protectors.progress import Progress
from protectors.quality import as_pixels, measured
from protectors.refinement.field import Maps, PerturbationField, StepMemory
from protectors.refinement.objective import NetworkObjective
from protectors.refinement.turns import Turns
from protectors.refinement.views import random_view
from protectors.saving import Pixels

FIRST_SIZE = 0.5
"""How much may be noticed of the perturbation until its floor is looked for: about as much as balanced allows."""

STEP = 0.25
"""A step's length over the size that is allowed, at first."""

LAST_STEP = 0.3
"""What the last step's length is multiplied by; between, it falls evenly."""

SPARE = 1.05
"""How much larger than the floor allows the perturbation may be while it is refined: it is brought to the floor at the end."""

LEAST_SIZE = 0.05

ASKED_EVERY = 4
"""Steps between two looks at whether every network was fooled when it was last shown a view."""


class Refinement:
    """The perturbation of one photo while it is refined.

    Args:
        original: the photo [1, 3, H, W] in [0, 1] at the working resolution.
        objectives: one for each network; they take turns.
        floor: the quality that the photo shall keep.
        chance: draws the views.
        start: the maps that are begun with, of any size; none begins with no perturbation.
    """

    def __init__(
        self,
        original: Tensor,
        objectives: Sequence[NetworkObjective],
        floor: Quality,
        chance: torch.Generator,
        start: Maps | None = None,
    ) -> None:
        self._field = PerturbationField(original)
        self._memory = StepMemory()
        self._objectives = tuple(objectives)
        self._floor = floor
        self._chance = chance
        self._largest = FIRST_SIZE
        self._maps = self._field.nothing()
        if start is not None:
            self._maps = self._field.sized(self._field.resampled(start), FIRST_SIZE)
            self._look_at_floor()

    @property
    def perturbation(self) -> Tensor:
        """The perturbation [1, 3, H, W] as it is now, about as large as the floor allows."""
        return self._field.perturbation(self._maps)

    def preview(self) -> Pixels:
        """Return the photo at the working resolution with about as much of the perturbation as the floor allows."""
        original, perturbation = self._field.original, self.perturbation
        share = share_within(original, perturbation, self._floor)
        return as_pixels((original + share * perturbation).clamp(0, 1))

    def run(self, steps: int, names: Sequence[str] = ()) -> Generator[Progress, None, None]:
        """Take steps of one gradient call each; yields progress at every step, closing cancels.

        Half way, the size is set to what the floor allows, and the rest of the steps are spent within that. The steps end early
        where every network was fooled by the view that it was shown last. ``names`` are the networks whose turn it is; all of
        them where none is named.
        """
        turns = Turns([objective for objective in self._objectives if not names or objective.name in names])
        for step in range(steps):
            if step and step % ASKED_EVERY == 0 and turns.are_all_reached:
                break
            objective = turns.next()
            length = STEP * self._largest * (1 - (1 - LAST_STEP) * step / steps)
            gradients, is_reached = self._look(objective)
            turns.note(objective, is_reached)
            self._take(self._memory.step(gradients, length))
            if step + 1 == steps // 2:
                self._look_at_floor()
            yield Progress(objective.stage, step + 1, steps)

    def _look(self, objective: NetworkObjective) -> tuple[Maps, bool]:
        held = (self._maps[0].detach().requires_grad_(True), self._maps[1].detach().requires_grad_(True))
        aim = objective.aim(random_view(self._field.cloaked(held), self._chance))
        brightness, colour = torch.autograd.grad(aim.loss, held)
        return (brightness, colour), aim.is_reached

    def _take(self, step: Maps) -> None:
        self._maps = self._field.limited((self._maps[0] - step[0], self._maps[1] - step[1]), self._largest)

    def _look_at_floor(self) -> None:
        share = share_within(self._field.original, self.perturbation, self._floor)
        self._largest = max(LEAST_SIZE, share * self._field.size(self._maps) * SPARE)
        self._maps = self._field.sized(self._maps, self._largest)


@torch.no_grad()
def share_within(original: Tensor, perturbation: Tensor, floor: Quality) -> float:
    """Return about the largest share of a perturbation that leaves a photo [1, 3, H, W] above a floor, from two measures."""
    pixels, share = as_pixels(original), 1.0
    last: Trial | None = None
    for _ in range(2):
        trial = Trial(share, measured(pixels, as_pixels((original + share * perturbation).clamp(0, 1))))
        share = max(LEAST, predicted(trial, floor, other=last))
        last = trial
    return share
