"""The front's counters: how many and how long, never who, where or what.

Plain numbers, so that counting costs nothing while nobody reads them; `exposition` puts them into Prometheus' words.
Every label comes from a set that is fixed here: nothing that a page, a photo or the worker says can become one.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

from daemon.wire.errors import CODES

Stage = Literal["wait", "decode", "protect", "encode", "judge"]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
"""`wait` is from the end of the upload until the worker takes the photo; the others are the worker's own."""

Place = Literal["door", "handshake", "job"]
REASONS: Final[Mapping[Place, tuple[str, ...]]] = {
    "door": ("host", "origin", "request", "draining", "full"),
    "handshake": ("proof", "silence", "gone"),
    "job": CODES,
}
"""Refusals by stage and reason: before the upgrade, before the proof, and afterwards."""

OUTCOMES: Final = ("done", *CODES)

BOUNDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
"""Seconds: a thumbnail on a graphics card is within the first, the longest deadline within the last."""


class Spread:
    """How long something took, each time."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    def cumulative(self) -> list[int]:
        """How many took at most each of BOUNDS, and how many there were in all."""
        running, sums = 0, []
        for count in self._counts:
            running += count
            sums.append(running)
        return sums


class Metrics:
    """The counts of one daemon since it started."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.refusals: Counter[tuple[Place, str]] = Counter()
        self.stages: dict[Stage, Spread] = {stage: Spread() for stage in STAGES}

    def refused(self, place: Place, reason: str) -> None:
        """Somebody was turned away, or a photo was.

        Raises:
            ValueError: the reason is none of the place's: it would have become a label.
        """
        if reason not in REASONS[place]:
            raise ValueError(f"{place} has no such reason")
        self.refusals[place, reason] += 1

    def ended(self, outcome: str) -> None:
        """A job came to its end: done, or an error's code.

        Raises:
            ValueError: it is neither.
        """
        if outcome not in OUTCOMES:
            raise ValueError("no such outcome")
        self.outcomes[outcome] += 1

    def waited(self, seconds: float) -> None:
        self.stages["wait"].add(max(0.0, seconds))

    def worked(self, seconds: Any) -> None:
        """The worker's own times by stage, as it reports them. It reads hostile files: what makes no sense is left out."""
        if not isinstance(seconds, Mapping):
            return
        for stage in STAGES[1:]:
            taken = seconds.get(stage)
            if isinstance(taken, float | int) and math.isfinite(taken) and taken >= 0:
                self.stages[stage].add(float(taken))
