"""How far a photo is on its whole way, from the stages that it goes through.

The places of the stages are shares of the whole time, as measured on two cores (``cloakroom bench speed --photos`` tells how
wrong they are). Nobody knows beforehand how many of its steps a photo takes: one whose networks are fooled early ends after six
of 22. So the first steps are shown to bring more than the later ones, which is about as wrong for the one as for the other.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final, TypeVar

from protectors.manifest import ModelSet
from protectors.names import is_visual
from protectors.policy import Policy
from protectors.progress import Progress, passed_on
from protectors.windows import LARGE

Result = TypeVar("Result")

WHOLE: Final = 1000
"""The total of all progress that is told."""


@dataclass(frozen=True)
class Places:
    """The shares of the time at which steps begin and end, at which the file has its quality, and at which it is judged.

    ``bend`` is the exponent of the share of steps that are taken: below 1, the first ones are shown to bring more.
    """

    steps_begin: float
    steps_end: float
    fitted: float
    judged: float
    bend: float = 1.0


AS_ONE_LOOP: Final = Places(0.0, 0.7, 0.95, 0.98)
"""The places when a photo is cloaked against the embedded networks, or by the protector *visual*."""

WITH_STEPS: Final = Places(0.12, 0.78, 0.88, 0.9, bend=0.6)
WITH_STEPS_LARGE: Final = Places(0.1, 0.68, 0.85, 0.87, bend=0.7)
WITHOUT_STEPS: Final = Places(0.2, 0.2, 0.3, 0.32)
WITHOUT_STEPS_LARGE: Final = Places(0.2, 0.2, 0.6, 0.62)
"""A large photo is fitted and saved for longer, while the networks read all photos in the same time."""


class Pace:
    """Tells how far one photo of so many pixels is; it never goes back."""

    def __init__(self, models: ModelSet, policy: Policy, pixels: int) -> None:
        if models != "pretrained" or is_visual(policy.protectors[0]):
            self._places = AS_ONE_LOOP
        elif policy.strength == "instant":
            self._places = WITHOUT_STEPS_LARGE if pixels > LARGE else WITHOUT_STEPS
        else:
            self._places = WITH_STEPS_LARGE if pixels > LARGE else WITH_STEPS
        self._furthest = 0.0

    def whole(self, run: Generator[Progress, None, Result]) -> Generator[Progress, None, Result]:
        """Pass on the progress of a run as ``done`` of ``WHOLE``."""
        return passed_on(run, self._of_whole)

    def _of_whole(self, progress: Progress) -> Progress:
        self._furthest = max(self._furthest, self._share(progress))
        return Progress(progress.stage, round(WHOLE * self._furthest), WHOLE)

    def _share(self, progress: Progress) -> float:
        places = self._places
        within = min(1.0, progress.done / progress.total) if progress.total else 0.0
        match progress.stage:
            case "decode" | "reading":
                return 0.0
            case "quality":
                return places.steps_end + within * (places.fitted - places.steps_end)
            case "encode":
                return places.fitted
            case "judge":
                return places.judged
            case _:
                return places.steps_begin + math.pow(within, places.bend) * (places.steps_end - places.steps_begin)
