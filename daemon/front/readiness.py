"""The state of a worker, or of a cluster in its place, for those who wait for it."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from daemon.wire.protocol import WorkerState

LONGEST_PAUSE: Final = 30.0
"""Seconds between starts that fail, at most."""


Found = TypeVar("Found")


class WorkerLostError(Exception):
    """The worker died, or was killed, while it had the job (or before it could take it)."""


class Readiness:
    """The state of a worker, or of the cluster in its place, and how many of its starts have failed."""

    def __init__(self) -> None:
        self.state: WorkerState = "starting"
        self.failed_starts = 0
        self.changed = asyncio.Event()
        """Set at the next change, and then replaced by another."""

    def change(self, state: WorkerState) -> None:
        """Enter a state; everybody who waits looks again."""
        self.state = state
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def fail(self) -> None:
        """Count a start that failed; everybody who waits for it is told."""
        self.failed_starts += 1
        self.change("restarting")

    async def wait(self, find: Callable[[], Found | None]) -> Found:
        """Return what `find` returns, once the state is ready and that is not None.

        Raises:
            WorkerLostError: a start failed meanwhile.
        """
        failed_starts = self.failed_starts
        while self.state != "ready" or (found := find()) is None:
            if self.failed_starts != failed_starts:
                raise WorkerLostError
            await self.changed.wait()
        return found


def pause_after(failed_in_a_row: int) -> float:
    """Seconds until the next start, which double with each that fails."""
    # The exponent is bounded too: after a night of failures the power would be larger than a float.
    return min(LONGEST_PAUSE, 2.0 ** min(failed_in_a_row, 16) / 2)
