"""Cloaks one photo against pretrained networks, in rounds of refinement that are each fitted to the quality floor."""

from collections.abc import Generator, Sequence

import torch
from torch import Tensor

from protectors.adversaries.loaded import Adversaries
from protectors.channel.pipeline import Pipeline
from protectors.judging.judge import Judge
from protectors.native import NativePerturbation, NativeResult
from protectors.policy import FLOORS, RefinementBudget
from protectors.progress import Progress
from protectors.refinement.fitting import FloorFitting
from protectors.refinement.generator import CloakGenerator, readable
from protectors.refinement.loop import Refinement
from protectors.refinement.objectives import objectives_for
from protectors.saving import Pixels, Save

WORN = Pipeline("worn", quality=75, longest=1080)
"""A pipeline as harsh as any known site: a cloak that survives it survives the sites."""


def refined(
    native: Tensor,
    original: Tensor,
    judge: Judge,
    adversaries: Adversaries,
    chance: torch.Generator,
    saves: Sequence[Save],
    budget: RefinementBudget,
    generator: CloakGenerator | None = None,
) -> Generator[Progress, None, NativeResult]:
    """Cloak the native photo [1, 3, H, W], which is ``original`` [1, 3, h, w] at the working resolution.

    It starts from the generator's drawing, unless only some classes are to be hidden, since the generator hides all. The first
    round is against all networks. Further rounds are against those that still read the delivered file or its ``WORN`` form.
    The first way to save the photo that allows enough of the perturbation is used, else the one that allows most.

    Raises:
        ValueError: the policy names a class that the detectors do not know.
    """
    policy = judge.policy
    objectives = objectives_for(policy, adversaries, original, chance)
    fitting = FloorFitting(native, judge, saves, budget.radius)
    yield Progress("quality", 0, len(saves))
    if not fitting.is_possible():
        # Saving alone takes this photo below its floor, so steps would be wasted.
        nothing = NativePerturbation(native, torch.zeros_like(original), budget.radius)
        return NativeResult(judge.original, nothing, 0.0, None)
    start = None
    if generator is not None and not policy.sensitive:
        with torch.no_grad():
            start = generator(readable(original))
    refinement = Refinement(original, objectives, FLOORS[policy.strength], chance, start)
    yield from refinement.run(budget.steps)
    for _ in range(budget.rounds):
        if fitting.is_large:
            # Saving and measuring a large photo after every round would take longer than the steps.
            form: Pixels | None = refinement.preview()
        else:
            made = yield from fitting.run(refinement.perturbation)
            form = None if made.file is None else made.file.pixels
        yield Progress("judge", 0, 1)
        if form is None or not (reading := _still_reading(judge, form)):
            break
        yield from refinement.run(budget.further_steps, reading)
    return (yield from fitting.run(refinement.perturbation))


def _still_reading(judge: Judge, delivered: Pixels) -> tuple[str, ...]:
    """Return the networks that still read a delivered photo, or its worn form."""
    reading = judge.still_reading(delivered)
    try:
        worn = WORN.exact(delivered)
    except (OSError, ValueError):
        # The photo is so long and narrow that no site can make a file of it.
        return reading
    return tuple(dict.fromkeys((*reading, *judge.still_reading(worn))))
