"""The seconds that a photo spends in each stage."""

import time
from collections.abc import Generator
from typing import TypeVar

from protectors.progress import Progress, passed_on

Result = TypeVar("Result")


class Stopwatch:
    """Seconds by stage, from the moment it is made."""

    def __init__(self) -> None:
        self._begun = self._last = time.perf_counter()
        self._stage: str | None = None
        self._seconds: dict[str, float] = {}

    def start(self, stage: str) -> None:
        """End the stage before and begin this one, or go on with it."""
        now = time.perf_counter()
        if self._stage is not None:
            spent = self._seconds.get(self._stage, 0.0) + now - self._last
            self._seconds[self._stage] = round(spent, 4)
        self._stage, self._last = stage, now

    def timed(self, run: Generator[Progress, None, Result]) -> Generator[Progress, None, Result]:
        """Pass on the progress of a run, and begin each of its stages."""

        def begin(progress: Progress) -> Progress:
            self.start(progress.stage)
            return progress

        return passed_on(run, begin)

    def stop(self) -> dict[str, float]:
        """End the last stage, and return the seconds of each and of all."""
        self.start("")
        return {**self._seconds, "total": round(self._last - self._begun, 4)}
