"""Which sockets are open, so that revoking a browser closes its own."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

from aiohttp import web

from daemon.protocol import REFUSED

Leave = Callable[[float], Awaitable[None]]
"""Says what there is to say within so many seconds, and closes."""


class Sessions:
    """The open, authenticated sockets by client, and how each is left in peace."""

    def __init__(self) -> None:
        self._open: defaultdict[str, dict[web.WebSocketResponse, Leave]] = defaultdict(dict)
        self._closing: set[asyncio.Task[bool]] = set()

    def __len__(self) -> int:
        return sum(len(group) for group in self._open.values())

    def add(self, client: str, socket: web.WebSocketResponse, leave: Leave) -> None:
        self._open[client][socket] = leave

    def remove(self, client: str, socket: web.WebSocketResponse) -> None:
        self._open[client].pop(socket, None)
        if not self._open[client]:
            del self._open[client]

    def close(self, client: str) -> None:
        """Close every socket of a client, as any refusal does."""
        for socket in self._open.get(client, {}):
            task = asyncio.create_task(socket.close(code=REFUSED))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def leave_all(self, seconds: float) -> None:
        """The daemon goes away, and each client hears what there is to say within that time."""
        everyone = [leave(seconds) for group in self._open.values() for leave in group.values()]
        await asyncio.gather(*everyone, return_exceptions=True)
