"""One connection before authentication: the HTTP head, the websocket's opening, and the two messages of the handshake.

Connections share one read buffer, no task waits for any of them, and the websocket library does not run before the client is
authenticated. An unauthenticated connection costs a few kilobytes, and its handshake a fraction of a millisecond.
"""

import asyncio
import socket as sockets
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

from daemon.front.strangers import Strangers
from daemon.wire.handshake import Credential, DaemonHandshake, Refused
from daemon.wire.opening import close_frame, opened, text_frame, texts
from daemon.wire.protocol import REFUSED, VERSION, ProtocolError, decode_from_client, encode
from daemon.wire.request import REFUSAL, MalformedError, Request, head_end, parsed

LINGER_SECONDS: Final = 1.0
"""Time for the other side to read the last answer. What it sends meanwhile is discarded: closing at once would reset the
connection, and the answer could be lost."""

LINGER_BYTES: Final = 1024 * 1024

READ_BYTES: Final = 8 * 1024
"""Size of the read buffer that all unauthenticated connections share."""

BACKLOG: Final = 4096
"""Connections that the kernel queues while this process does not run: two seconds at 2,000 a second. The client's kernel
retries one that finds no room after one second, then two, then four."""

AT_ONCE: Final = 128
"""Queued connections that are accepted in one pass of the event loop, before open ones are served."""


@dataclass(frozen=True)
class Proved:
    """An authenticated client.

    Attributes:
        request: the request that opened the websocket, which has been answered.
        rest: bytes that the client has sent after its proof.
    """

    transport: asyncio.Transport
    request: Request
    credential: Credential
    rest: bytes


class Gate(ABC):
    """The result of a handshake."""

    @abstractmethod
    def failed(self, reason: str) -> None:
        """Note that a handshake ended without authentication."""

    @abstractmethod
    def welcome(self, handshake: DaemonHandshake) -> str:
        """Return the message for a client that has just been authenticated."""

    @abstractmethod
    def take_over(self, proved: Proved) -> None:
        """Take over the connection of an authenticated client."""


@dataclass(frozen=True)
class Admitted:
    """A request that opens a websocket: the handshake that follows, and what it leads to."""

    handshake: DaemonHandshake
    gate: Gate


Judged = Admitted | bytes | Coroutine[Any, Any, bytes]
"""A handshake to begin, or the answer that ends the connection."""


class Keeper(ABC):
    """A listener: accepts connections, and decides what each request gets.

    Args:
        most: the most unauthenticated connections at once.
        seconds: the time that each has to authenticate.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.strangers = Strangers(most, seconds)
        self.buffer = memoryview(bytearray(READ_BYTES))
        """The read buffer of all connections: its content is consumed before the next read."""
        self._servers: list[asyncio.Server] = []

    async def open(self, listeners: Sequence[sockets.socket]) -> None:
        loop = asyncio.get_running_loop()
        for listener in listeners:
            listen = loop.create_server if listener.family != getattr(sockets, "AF_UNIX", None) else loop.create_unix_server
            self._servers.append(await listen(lambda: Visitor(self), sock=listener, backlog=AT_ONCE))
            # asyncio takes both numbers for one.
            listener.listen(BACKLOG)

    def close(self) -> None:
        """Stop listening, and close the connections that are not authenticated."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        self.strangers.expel_all()

    @abstractmethod
    def judge(self, request: Request) -> Judged:
        """Return what a request gets."""

    def malformed(self) -> bytes:
        """Return the answer to what is no valid request."""
        return REFUSAL


class Visitor(asyncio.BufferedProtocol):
    """The protocol of one unauthenticated connection. ``keeper`` decides what it gets."""

    __slots__ = ("_answering", "_gate", "_ignored", "_keeper", "_received", "_take", "_transport")

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._transport: asyncio.Transport | None = None
        self._take: Callable[[], None] = self._take_head
        self._received = bytearray()
        self._gate: Gate | None = None
        """Between the opening of the websocket and the authentication."""
        self._answering: asyncio.Task[None] | None = None
        self._ignored = 0

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._keeper.strangers.enter(self, self._cut, self._time_is_up)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._keeper.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._received += self._keeper.buffer[:nbytes]
        self._take()
        self._keeper.strangers.hold(self, len(self._received))

    def connection_lost(self, exc: Exception | None) -> None:
        self._keeper.strangers.leave(self)
        self._transport = None
        # It refers to this object, which would wait for the collector of such circles: thousands come in a second.
        self._take = _nothing
        self._end_handshake("gone")
        if self._answering is not None:
            self._answering.cancel()

    # The steps.

    def _take_head(self) -> None:
        try:
            end = head_end(self._received)
            if end is None:
                return
            request = parsed(bytes(self._received[:end]))
        except MalformedError:
            self._leave(self._keeper.malformed())
            return
        del self._received[:end]
        judged = self._keeper.judge(request)
        if isinstance(judged, Admitted):
            self._gate = judged.gate
            self._say(opened(request, VERSION))
            self._take = partial(self._take_words, request, judged)
            self._step()
            self._take()
        elif isinstance(judged, bytes):
            self._leave(judged)
        else:
            self._take = self._ignore
            self._answering = asyncio.create_task(self._answer(judged))

    async def _answer(self, judged: Coroutine[Any, Any, bytes]) -> None:
        self._leave(await judged)

    def _take_words(self, request: Request, admitted: Admitted) -> None:
        handshake = admitted.handshake
        try:
            for text in texts(self._received):
                for reply in handshake.receive(decode_from_client(text)):
                    self._say(text_frame(encode(reply)))
                self._step()
                if handshake.credential is not None:
                    self._hand_over(request, admitted, handshake.credential)
                    return
        except (Refused, ProtocolError):
            self._refuse("proof")

    def _hand_over(self, request: Request, admitted: Admitted, credential: Credential) -> None:
        self._gate = None
        rest, self._received, self._take = bytes(self._received), bytearray(), _nothing
        self._keeper.strangers.leave(self)
        transport, self._transport = self._transport, None
        if transport is not None and not transport.is_closing():
            transport.write(text_frame(admitted.gate.welcome(admitted.handshake)))
            admitted.gate.take_over(Proved(transport, request, credential, rest))

    def _step(self) -> None:
        self._keeper.strangers.step(self)

    # The ends.

    def _end_handshake(self, reason: str) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.failed(reason)

    def _refuse(self, reason: str) -> None:
        self._end_handshake(reason)
        self._leave(close_frame(REFUSED))

    def _leave(self, last_words: bytes) -> None:
        """Send the last bytes, and close after the other side had time to read them."""
        self._take = self._ignore
        self._received.clear()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(last_words)
        if transport.can_write_eof():
            transport.write_eof()
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._cut)
        else:
            transport.close()

    def _ignore(self) -> None:
        self._ignored += len(self._received)
        self._received.clear()
        if self._ignored > LINGER_BYTES:
            self._cut()

    def _time_is_up(self) -> None:
        if self._gate is not None:
            self._refuse("silence")
        else:
            self._cut()

    def _cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _say(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def _nothing() -> None:
    """Ignore what is received."""
