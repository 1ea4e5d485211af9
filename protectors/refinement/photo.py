"""Cloaks one photo against pretrained networks, in rounds of refinement, and fits the result to the quality floor."""

import math
import time
from collections.abc import Callable, Generator, Sequence

import torch
from torch import Tensor

from protectors.channel.pipeline import Pipeline
from protectors.judging.judge import Judge
from protectors.native import NativePerturbation, NativeResult
from protectors.policy import FLOORS, RefinementBudget
from protectors.progress import Progress
from protectors.refinement.fitting import FloorFitting
from protectors.refinement.generator import CloakGenerator, readable
from protectors.refinement.loop import Refinement
from protectors.refinement.objective import NetworkObjective
from protectors.saving import Pixels, Save

WORN = Pipeline("worn", 75, "webp")
"""A pipeline that left less of cloaks than any known site did (``survival.json``)."""

AFTERWARDS = 2.5
"""Time of fitting and judging a photo over that of reading it and saving it once, before the steps."""

STEPPING = 6.0
"""Time of all steps over that of reading a photo and saving it once. If less is left, not all of them will be taken."""


MOST_SHIFT, LEAST_SIDES = 8, 50
"""Largest shift of a view in the first round: in pixels, and as the number of times that it fits into the longer side.

Shifts keep a perturbation from fitting the exact cells of the networks that it is made against: on 40 photos, a detector that
no cloak is made against found 44 % of its objects with them, and 51 % without. Later rounds, against networks that still read
the photo, are exact. Rotating the views as well, by up to 3 or 7 degrees, did not help."""


def refined(
    original: Tensor,
    judge: Judge,
    objectives_of: Callable[[], Sequence[NetworkObjective]],
    chance: torch.Generator,
    saves: Sequence[Save],
    budget: RefinementBudget,
    generator: CloakGenerator | None = None,
) -> Generator[Progress, None, NativeResult]:
    """Cloak the judge's photo, which is ``original`` [1, 3, h, w] at the working resolution.

    Where no steps are taken, the perturbation is the generator's drawing, which hides all objects. Where the time is too short
    for all steps, they start from it, unless only some classes are to be hidden. Else they start from no perturbation: with the
    drawing, the worst site left more to detectors (19 % of SSD's objects instead of 14 %), and no steps were saved.

    The first round is against all networks. Further rounds are against those that still read the photo or its ``WORN`` form, so
    that the cloak lasts. The first way to save the photo that allows enough of the perturbation is used, else the one that
    allows most.

    ``objectives_of`` reads the photo and returns its objectives; it is called only if steps are to be taken.

    Raises:
        ValueError: the policy names a class that the detectors do not know, and steps are to be taken.
    """
    policy, begun = judge.policy, time.monotonic()
    yield Progress("reading", 0, len(saves))
    # Without steps, nobody needs what the networks see in the original.
    objectives = objectives_of() if budget.steps else []
    fitting = FloorFitting(judge, saves, budget.radius)
    if not fitting.is_possible():
        # Saving alone takes this photo below its floor, so steps would be wasted.
        nothing = NativePerturbation(judge.original, torch.zeros_like(original), budget.radius)
        return NativeResult(judge.original, nothing, 0.0, None)
    now = time.monotonic()
    until = begun + budget.seconds - AFTERWARDS * (now - begun)
    takes_steps = bool(objectives) and now < until
    is_hurried = until - now < STEPPING * (now - begun)
    start = None
    if generator is not None and (not takes_steps or (is_hurried and not policy.sensitive)):
        with torch.no_grad():
            start = generator(readable(original))
    refinement = Refinement(original, objectives, FLOORS[policy.strength], chance, start)
    steps = max(budget.steps, math.ceil(budget.steps_a_network * len(objectives)))
    total = steps + budget.rounds * budget.further_steps
    most_shift = min(MOST_SHIFT, max(original.shape[2:]) // LEAST_SIDES)
    if takes_steps:
        yield from refinement.run(steps, total=total, until=until, most_shift=most_shift)
    for number in range(budget.rounds):
        if time.monotonic() >= until:
            break
        yield Progress("reading", 0, 1)
        # Saving and measuring the photo itself after every round would take longer than its steps.
        still_reading = _still_reading(judge, refinement.preview())
        # A face may be found in the photo itself and not at the working resolution, and then there is nothing to step against.
        if not (reading := [objective.name for objective in objectives if objective.name in still_reading]):
            break
        yield from refinement.run(budget.further_steps, reading, steps + number * budget.further_steps, total, until)
    return (yield from fitting.run(refinement.perturbation))


def _still_reading(judge: Judge, delivered: Pixels) -> tuple[str, ...]:
    """Return the networks that still read the worn form of a photo, or the photo itself."""
    worn = judge.still_reading(WORN.exact(delivered))
    # A network that reads the worn form gets another round in any case, so it need not read the photo too.
    return (*worn, *judge.still_reading(delivered, besides=worn))
