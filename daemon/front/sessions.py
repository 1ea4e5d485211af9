"""The open sessions, so that revoking a browser closes its sessions."""

import asyncio
from collections import defaultdict
from typing import Protocol

from daemon.wire.protocol import REFUSED


class Open(Protocol):
    """A session, as far as it can be ended from outside."""

    async def leave(self, seconds: float) -> None:
        """Say what there is to say within so many seconds, and close."""

    async def close(self, code: int) -> None:
        """Close at once."""


class Sessions:
    """The open, authenticated sessions by client, and how each is left in peace."""

    def __init__(self) -> None:
        self._open: defaultdict[str, set[Open]] = defaultdict(set)
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return sum(len(group) for group in self._open.values())

    def add(self, client: str, session: Open) -> None:
        self._open[client].add(session)

    def remove(self, client: str, session: Open) -> None:
        self._open[client].discard(session)
        if not self._open[client]:
            del self._open[client]

    def close(self, client: str) -> None:
        """Close every session of a client, as any refusal does."""
        for session in self._open.get(client, set()):
            task = asyncio.create_task(session.close(REFUSED))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def leave_all(self, seconds: float) -> None:
        """The daemon goes away, and each client hears what there is to say within that time."""
        everyone = [session.leave(seconds) for group in self._open.values() for session in group]
        await asyncio.gather(*everyone, return_exceptions=True)
