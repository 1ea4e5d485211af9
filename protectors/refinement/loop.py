"""Refines one perturbation against several networks, two of them a step, each in a random view, above the quality floor."""

import math
import time
from collections.abc import Generator, Sequence
from functools import partial

import torch
from torch import Tensor

from protectors.floor import LEAST, Trial, predicted
from protectors.judging.quality import Quality
from protectors.lanes import side_by_side
from protectors.progress import Progress
from protectors.quality import QualityMeter, as_pixels
from protectors.refinement.field import Maps, PerturbationField, StepMemory
from protectors.refinement.objective import Aim, NetworkObjective
from protectors.refinement.turns import Turns
from protectors.refinement.views import View, random_view
from protectors.saving import Pixels

FIRST_SIZE = 0.5
"""Visibility of the perturbation until it is first fitted to the floor: about as much as balanced allows."""

STEP = 0.25
"""Length of the first step, as a share of the allowed size."""

LAST_STEP = 0.3
"""Factor on the length of the last step; in between, the length falls linearly."""

SPARE = 1.05
"""Factor on the size that the floor allows during refinement; the perturbation is fitted to the floor at the end."""

LEAST_SIZE = 0.05

TRIALS = 2
"""Measurements that find the size that the floor allows. Once steps were taken from there, one tells how it has changed."""

NETWORKS_A_STEP = 2
"""Number of networks whose gradients make up one step. They are read at the same time."""

ASKED_EVERY = 2
"""Steps between two checks of whether every network was fooled at its last turn."""


class Refinement:
    """Refines the perturbation of one photo.

    Args:
        original: the photo [1, 3, H, W] in [0, 1] at the working resolution.
        objectives: one for each network; they take turns.
        floor: the quality that the photo has to keep.
        chance: the random generator of the views.
        start: the maps to start from, of any size; None starts from no perturbation.
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
        self._meter = QualityMeter(as_pixels(original))
        self._chance = chance
        self._largest = FIRST_SIZE
        self._is_unmeasured = True
        self._maps = self._field.nothing()
        if start is not None:
            self._maps = self._field.sized(self._field.resampled(start), FIRST_SIZE)
            self._look_at_floor(TRIALS)

    @property
    def perturbation(self) -> Tensor:
        """The current perturbation [1, 3, H, W], about as large as the floor allows."""
        return self._field.perturbation(self._maps)

    def preview(self) -> Pixels:
        """Return the photo at the working resolution with about as much of the perturbation as the floor allows.

        The size that the floor allows is that of the last measurement: another one would take as long as two steps.
        """
        return as_pixels(self._field.cloaked(self._field.limited(self._maps, self._largest / SPARE)))

    def run(
        self,
        steps: int,
        names: Sequence[str] = (),
        done: int = 0,
        total: int | None = None,
        until: float = math.inf,
        most_shift: int = 0,
    ) -> Generator[Progress, None, None]:
        """Take steps of ``NETWORKS_A_STEP`` gradient calls each. Yields progress at every step; closing the generator cancels.

        After half the steps, the allowed size is set to what the floor allows. The steps end early if every network was fooled
        at its last turn or, after the first one, when ``time.monotonic()`` reaches ``until``. ``names`` selects the networks
        that take turns; if empty, all do. For the progress, ``done`` steps of ``total`` have been taken before. The networks
        see the photo moved by up to ``most_shift`` pixels.
        """
        turns = Turns([objective for objective in self._objectives if not names or objective.name in names])
        for step in range(steps):
            if step and ((step % ASKED_EVERY == 0 and turns.are_all_reached) or time.monotonic() >= until):
                break
            objectives = turns.next(NETWORKS_A_STEP)
            length = STEP * self._largest * (1 - (1 - LAST_STEP) * step / steps)
            gradients, are_reached = self._look(objectives, most_shift)
            turns.note(list(zip(objectives, are_reached, strict=True)))
            self._take(self._memory.step(gradients, length))
            if step + 1 == steps // 2:
                self._look_at_floor(TRIALS if self._is_unmeasured else 1)
                self._is_unmeasured = False
            yield Progress(objectives[0].stage, done + step + 1, total or steps)

    def _look(self, objectives: Sequence[NetworkObjective], most_shift: int) -> tuple[Maps, list[bool]]:
        """Return the gradient of the objectives' losses, all of the same weight, and which networks are fooled."""
        held = (self._maps[0].detach().requires_grad_(True), self._maps[1].detach().requires_grad_(True))
        cloaked = self._field.cloaked(held)
        calls = [partial(_direction, objective, cloaked, random_view(self._chance, most_shift)) for objective in objectives]
        looks = side_by_side(calls, cloaked.device)
        brightness, colour = torch.autograd.grad(cloaked, held, torch.stack([gradient for gradient, _ in looks]).sum(0))
        return (brightness, colour), [is_reached for _, is_reached in looks]

    def _take(self, step: Maps) -> None:
        self._maps = self._field.limited((self._maps[0] - step[0], self._maps[1] - step[1]), self._largest)

    def _look_at_floor(self, trials: int) -> None:
        share = self._share_within_floor(self.perturbation, trials)
        self._largest = max(LEAST_SIZE, share * self._field.size(self._maps) * SPARE)
        self._maps = self._field.sized(self._maps, self._largest)

    @torch.no_grad()
    def _share_within_floor(self, perturbation: Tensor, trials: int) -> float:
        """Estimate from a few measurements the largest share of a perturbation that keeps the photo above the floor."""
        share, last = 1.0, None
        for _ in range(trials):
            changed = as_pixels((self._field.original + share * perturbation).clamp(0, 1))
            trial = Trial(share, self._meter.of(changed))
            share = max(LEAST, predicted(trial, self._floor, other=last))
            last = trial
        return share


def gradient_of(objective: NetworkObjective, cloaked: Tensor, view: View) -> tuple[Tensor, Aim]:
    """Return the gradient of an objective's loss in a view by the cloaked photo [1, 3, H, W], and the result of the pass."""
    free = cloaked.detach().requires_grad_(True)
    aim = objective.aim(view.of(free))
    (gradient,) = torch.autograd.grad(aim.loss, free)
    return gradient, Aim(aim.loss.detach(), aim.is_reached)


def _direction(objective: NetworkObjective, cloaked: Tensor, view: View) -> tuple[Tensor, bool]:
    """Return the gradient of an objective's loss, of length 1, and whether the network is fooled."""
    gradient, aim = gradient_of(objective, cloaked, view)
    return gradient / gradient.norm().clamp(min=1e-12), aim.is_reached
