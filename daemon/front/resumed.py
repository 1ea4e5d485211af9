"""A websocket goes over to aiohttp once it is proved: from its first message on, as if aiohttp had opened it itself.

aiohttp begins a websocket with a request, so it is given one: of our own writing, with nothing of the other side's but the key
that was checked. Its answer, which the other side has had already, is kept back.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from daemon.front.visitor import Proved
from daemon.wire.handshake import Credential
from daemon.wire.protocol import VERSION

_END: Final = b"\r\n\r\n"


class _Answered:
    """A transport on which the answer to the opening has been written. Everything else is the real transport's."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._kept_back: bytes | None = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._kept_back is None:
            self._transport.write(data)
            return
        self._kept_back += bytes(data)
        answer, end, rest = self._kept_back.partition(_END)
        if not end:
            return
        self._kept_back = None
        if not answer.startswith(b"HTTP/1.1 101 "):
            self._transport.abort()
        elif rest:
            self._transport.write(rest)

    def writelines(self, chunks: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(chunks))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Resumer(web.Server):
    """aiohttp's low-level server for authenticated connections; see there for the handler."""

    def __init__(self, handler: Any) -> None:
        super().__init__(handler, access_log=None, lingering_time=0)
        self._proved: dict[RequestHandler, Credential] = {}

    def take_over(self, proved: Proved) -> None:
        handler = self()
        self._proved[handler] = proved.credential
        proved.transport.set_protocol(handler)
        handler.connection_made(cast(asyncio.Transport, _Answered(proved.transport)))
        handler.data_received(_opening(proved))
        if proved.rest:
            handler.data_received(proved.rest)

    def credential(self, request: web.BaseRequest) -> Credential | None:
        """Return the client that sent a request; it can be asked once."""
        return self._proved.pop(request.protocol, None)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        # Who went before their request was looked at.
        self._proved.pop(handler, None)
        super().connection_lost(handler, exc)


def _opening(proved: Proved) -> bytes:
    lines = [
        "GET / HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {proved.request.only('sec-websocket-key')}",
        f"Sec-WebSocket-Protocol: {VERSION}",
    ]
    return "\r\n".join(lines).encode("ascii") + _END
