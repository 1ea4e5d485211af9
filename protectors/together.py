"""One cloak against several adversaries at once, under one budget.

Each objective makes its own step, and the steps are added. A finished objective keeps a small weight, so that the others do not
undo it. None starves, because all shaped steps (optimisation.py) are equally large, whatever the scale of the loss or the
number of adversaries.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from protectors.optimisation import Objective
from protectors.perception import VisibilityModel

RESTING = 0.1
"""The weight of an objective that is finished while another is not."""


class Together(Objective):
    """Combines several objectives into one. ``stage`` is that of the first unfinished one."""

    def __init__(self, objectives: Sequence[Objective]) -> None:
        if not objectives:
            raise ValueError("at least one objective is needed")
        self.objectives = tuple(objectives)
        self.stage = self.objectives[0].stage
        self.shrinks = all(objective.shrinks for objective in self.objectives)
        self._done: tuple[Tensor, ...] = ()

    def finished(self, images: Tensor, step: int) -> Tensor:
        self._done = tuple(objective.finished(images, step) for objective in self.objectives)
        unfinished = (objective.stage for objective, done in zip(self.objectives, self._done, strict=True) if not done.all())
        self.stage = next(unfinished, self.objectives[-1].stage)
        return torch.stack(self._done).all(0)

    def descend(self, images: Tensor, step: int, visibility: VisibilityModel | None) -> Tensor:
        weights = torch.where(torch.stack(self._done), RESTING, 1.0)
        weights = weights / weights.sum(0)
        steps = torch.stack([objective.descend(images, step, visibility) for objective in self.objectives])
        return (weights[:, :, None, None, None] * steps).sum(0)
