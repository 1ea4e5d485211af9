"""Whoever has connected and not proved themselves: so many at once, holding so much, each for so long.

Where there are more, whoever keeps us waiting the longest makes room: the time runs anew with each step towards a proof, and
bytes that are no step do not count. A client of ours takes its two steps within milliseconds, so thousands of connections
that stay silent, or dribble, or are refused push each other out and not that client.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MOST_HELD: Final = 2 * 1024 * 1024
"""Bytes that all strangers together may have sent without its being complete."""


@dataclass(slots=True)
class _Present:
    expel: Callable[[], None]
    timer: asyncio.TimerHandle
    held: int = 0


class Strangers:
    """Args:
    most: how many there may be.
    seconds: how long each may stay one.
    held: bytes that they may hold together.
    """

    def __init__(self, most: int, seconds: float, held: int = MOST_HELD) -> None:
        self._most = most
        self._seconds = seconds
        self._room = held
        self._present: dict[object, _Present] = {}
        """Whoever took a step last comes last."""
        self._holders: dict[object, None] = {}
        """Whoever has something incomplete, since the longest first. To make room for bytes, nobody else goes."""

    def __len__(self) -> int:
        return len(self._present)

    def enter(self, who: object, send_away: Callable[[], None], time_is_up: Callable[[], None]) -> None:
        """They connected. ``send_away`` makes room at once; ``time_is_up`` may be politer, and calls `leave` in the end."""
        timer = asyncio.get_running_loop().call_later(self._seconds, time_is_up)
        self._present[who] = _Present(send_away, timer)
        if len(self._present) > self._most:
            self._expel(next(iter(self._present)))

    def step(self, who: object) -> None:
        """They did what they were waited for, and were answered."""
        if who in self._present:
            self._present[who] = self._present.pop(who)

    def hold(self, who: object, size: int) -> None:
        """So many of their bytes are kept now, until the rest comes."""
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
        """They went, or are strangers no more."""
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
