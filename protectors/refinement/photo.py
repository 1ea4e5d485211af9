"""Cloaks one photo against pretrained networks: rounds of refinement, each brought to the floor in the delivered file."""

from collections.abc import Generator, Sequence

import torch
from torch import Tensor

from protectors.adversaries.loaded import Adversaries
from protectors.judging.judge import Judge
from protectors.native import NativeResult, bring_to_floor
from protectors.policy import FLOORS, RefinementBudget
from protectors.progress import Progress
from protectors.refinement.loop import Refinement
from protectors.refinement.objectives import objectives_for
from protectors.saving import Save


def refined(
    native: Tensor,
    original: Tensor,
    judge: Judge,
    adversaries: Adversaries,
    chance: torch.Generator,
    saves: Sequence[Save],
    budget: RefinementBudget,
) -> Generator[Progress, None, NativeResult]:
    """Cloak the native photo [1, 3, H, W], which is ``original`` [1, 3, h, w] at the working resolution.

    The first round is against all networks. While one of them still reads the delivered file, a further round is against those
    that do. The first of the ways to save it that is good counts; where none is, the one that keeps most of the perturbation.

    Raises:
        ValueError: the policy names a class that the detectors do not know.
    """
    policy = judge.policy
    floor = FLOORS[policy.strength]
    objectives = objectives_for(policy, adversaries, original, chance)
    refinement = Refinement(original, objectives, floor, chance)
    yield from refinement.run(budget.steps)
    made = yield from _saved(native, refinement, judge, saves, budget.radius)
    for _ in range(budget.rounds):
        reading = () if made.file is None else judge.still_reading(made.file.pixels)
        if not reading:
            break
        yield from refinement.run(budget.further_steps, reading)
        made = yield from _saved(native, refinement, judge, saves, budget.radius)
    return made


def _saved(
    native: Tensor, refinement: Refinement, judge: Judge, saves: Sequence[Save], radius: float
) -> Generator[Progress, None, NativeResult]:
    floor, perturbation = FLOORS[judge.policy.strength], refinement.perturbation
    best: NativeResult | None = None
    for save in saves:
        made = yield from bring_to_floor(native, perturbation, radius, floor, save)
        if made.file is not None and made.share >= 1:
            return made
        if best is None or (made.file is not None and (best.file is None or made.share > best.share)):
            best = made
    if best is None:
        raise ValueError("a photo needs at least one way to be saved")
    return best
