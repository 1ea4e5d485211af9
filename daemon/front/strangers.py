"""Unauthenticated connections: bounded in number, in the bytes that they hold, and in time.

Beyond the bound the connection that has made no progress for the longest is evicted. Only a step of the handshake counts as
progress, bytes alone do not. A genuine client takes its two steps within milliseconds, so thousands of connections that stay
silent, send slowly or are refused evict each other and not that client.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MOST_HELD: Final = 2 * 1024 * 1024
"""Bytes of incomplete requests that all unauthenticated connections may hold together."""


@dataclass(slots=True)
class _Present:
    expel: Callable[[], None]
    timer: asyncio.TimerHandle
    held: int = 0


class Strangers:
    """The set of unauthenticated connections.

    Args:
        most: the most at once.
        seconds: the time that each has to authenticate.
        held: bytes that they may hold together.
    """

    def __init__(self, most: int, seconds: float, held: int = MOST_HELD) -> None:
        self._most = most
        self._seconds = seconds
        self._room = held
        self._present: dict[object, _Present] = {}
        """In the order of their last step, the latest last."""
        self._holders: dict[object, None] = {}
        """Strangers that hold an incomplete request, the oldest first. Only these are evicted to make room for bytes."""

    def __len__(self) -> int:
        return len(self._present)

    def enter(self, who: object, send_away: Callable[[], None], time_is_up: Callable[[], None]) -> None:
        """Add a connection. ``send_away`` evicts it at once; ``time_is_up`` may say goodbye, and calls ``leave`` in the end."""
        timer = asyncio.get_running_loop().call_later(self._seconds, time_is_up)
        self._present[who] = _Present(send_away, timer)
        if len(self._present) > self._most:
            self._expel(next(iter(self._present)))

    def step(self, who: object) -> None:
        """Note that a connection took a step of the handshake."""
        if who in self._present:
            self._present[who] = self._present.pop(who)

    def hold(self, who: object, size: int) -> None:
        """Set how many bytes of a connection are held until its request is complete."""
        present = self._present.get(who)
        if present is None:
            return
        self._room -= size - present.held
        present.held = size
        if size:
            self._holders.setdefault(who)
        else:
            self._holders.pop(who, None)
        while self._room < 0 and self._holders:
            self._expel(next(iter(self._holders)))

    def leave(self, who: object) -> None:
        """Remove a connection that was closed or authenticated."""
        present = self._present.pop(who, None)
        if present is not None:
            self._holders.pop(who, None)
            self._room += present.held
            present.timer.cancel()

    def expel_all(self) -> None:
        for who in list(self._present):
            self._expel(who)

    def _expel(self, who: object) -> None:
        expel = self._present[who].expel
        self.leave(who)
        expel()
