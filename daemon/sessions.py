"""Which sockets are open, so that revoking a browser closes its own."""

import asyncio
from collections import defaultdict

from aiohttp import web

from daemon.protocol import REFUSED


class Sessions:
    """The open, authenticated sockets by client."""

    def __init__(self) -> None:
        self._sockets: defaultdict[str, set[web.WebSocketResponse]] = defaultdict(set)
        self._closing: set[asyncio.Task[bool]] = set()

    def add(self, client: str, socket: web.WebSocketResponse) -> None:
        self._sockets[client].add(socket)

    def remove(self, client: str, socket: web.WebSocketResponse) -> None:
        self._sockets[client].discard(socket)
        if not self._sockets[client]:
            del self._sockets[client]

    def close(self, client: str) -> None:
        """Close every socket of a client, as any refusal does."""
        for socket in self._sockets.get(client, set()):
            task = asyncio.create_task(socket.close(code=REFUSED))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close_all(self) -> None:
        """The daemon goes away."""
        sockets = [socket for group in self._sockets.values() for socket in group]
        await asyncio.gather(*(socket.close(code=1001) for socket in sockets), return_exceptions=True)
