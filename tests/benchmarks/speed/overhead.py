"""Measures the time of the refinement over that of the bare forward and backward passes in its steps."""

import io
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from protectors.cloak import Cloakroom
from protectors.lanes import side_by_side
from protectors.names import OBJECTS, SCENE, SEARCH
from protectors.policy import FLOORS, Policy
from protectors.progress import end_of
from protectors.quality import as_tensor
from protectors.refinement.loop import NETWORKS_A_STEP, Refinement
from protectors.refinement.objective import Aim, NetworkObjective
from protectors.refinement.objectives import objectives_for
from tests.benchmarks.photos import SIZES, photos
from tests.pretrained import FOLDER

STEPS = 8
RUNS = 5


def measure() -> dict[str, float]:
    """Return ``PROTECTOR.overhead``: the time of ``STEPS`` steps over that of their networks' passes."""
    room = Cloakroom("cpu", FOLDER)
    picture = Image.open(io.BytesIO(next(photos(SIZES["photo512"], 1))))
    original = as_tensor(np.array(picture))
    figures = {}
    for protector in (OBJECTS, SEARCH, SCENE):
        # A chosen class leaves out the classifiers, so that only the protector's networks are measured.
        policy = Policy((protector,), sensitive=("person",) if protector == OBJECTS else ())
        objectives = objectives_for(policy, room.adversaries, original, torch.Generator().manual_seed(0))
        ratios = [_ratio(original, objectives) for _ in range(RUNS)]
        figures[f"{protector}.overhead"] = statistics.median(ratios)
    return figures


class Recorded(NetworkObjective):
    """Wraps an objective and records its turns."""

    def __init__(self, objective: NetworkObjective, turns: list[NetworkObjective]) -> None:
        self.name, self.stage = objective.name, objective.stage
        self._objective = objective
        self._turns = turns

    def aim(self, view: Tensor) -> Aim:
        self._turns.append(self._objective)
        return self._objective.aim(view)


def _ratio(original: Tensor, objectives: list[NetworkObjective]) -> float:
    turns: list[NetworkObjective] = []
    recorded = [Recorded(objective, turns) for objective in objectives]
    refinement = Refinement(original, recorded, FLOORS["balanced"], torch.Generator().manual_seed(0))
    refined = _seconds(lambda: end_of(refinement.run(STEPS)))
    return refined / _seconds(lambda: _passes(turns, original))


def _passes(objectives: list[NetworkObjective], original: Tensor) -> None:
    """Make the bare passes as the steps do, two networks at the same time."""

    def make(objective: NetworkObjective) -> None:
        free = original.clone().requires_grad_(True)
        torch.autograd.grad(objective.aim(free).loss, free)

    for first in range(0, len(objectives), NETWORKS_A_STEP):
        side_by_side([partial(make, objective) for objective in objectives[first : first + NETWORKS_A_STEP]])


def _seconds(call: Callable[[], object]) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun
