"""One connection until it has proved itself, with nothing behind it but this: its head, its opening, two short texts.

No buffer is its own, no task waits for it, and nothing of the websocket library runs before the proof: a stranger costs a few
kilobytes, and its handshake a fraction of a millisecond.
"""

import asyncio
import socket as sockets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

from daemon.handshake import Credential, DaemonHandshake, Refused
from daemon.opening import close_frame, opened, text_frame, texts
from daemon.protocol import REFUSED, VERSION, ProtocolError, decode_from_client, encode
from daemon.request import REFUSAL, MalformedError, Request, head_end, parsed
from daemon.strangers import Strangers

LINGER_SECONDS: Final = 1.0
"""For reading the last word. Who still sends meanwhile is not listened to, but a connection that is cut under what it sends
may lose what it was told."""

LINGER_BYTES: Final = 1024 * 1024

READ_BYTES: Final = 8 * 1024
"""At a time, from a stranger."""

BACKLOG: Final = 4096
"""Connections that the system keeps while other programs have the processor, where it keeps as many: two seconds of 2,000 each.
One that finds no room is tried again by its own system, after one second, then two, then four."""

AT_ONCE: Final = 128
"""Of these, taken in before those that are in already have their turn."""

Judged = DaemonHandshake | bytes | Coroutine[Any, Any, bytes]


@dataclass(frozen=True)
class Proved:
    """Somebody who is no stranger any more.

    Attributes:
        request: which opened the websocket, that has been answered.
        rest: what they have sent since the proof.
    """

    transport: asyncio.Transport
    request: Request
    credential: Credential
    rest: bytes


class Keeper:
    """What is behind a door, as far as a stranger gets to it: listens, and judges whoever comes.

    Args:
        most: how many strangers there may be.
        seconds: how long each may stay one.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.strangers = Strangers(most, seconds)
        self.buffer = memoryview(bytearray(READ_BYTES))
        """For all connections: what is read into it is used up before anything else is read."""
        self._servers: list[asyncio.Server] = []

    async def open(self, listeners: Sequence[sockets.socket]) -> None:
        loop = asyncio.get_running_loop()
        for listener in listeners:
            listen = loop.create_server if listener.family != getattr(sockets, "AF_UNIX", None) else loop.create_unix_server
            self._servers.append(await listen(lambda: Visitor(self), sock=listener, backlog=AT_ONCE))
            # asyncio takes both numbers for one.
            listener.listen(BACKLOG)

    def close(self) -> None:
        """Let nobody else in, and send away who has not proved themselves."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        self.strangers.expel_all()

    def judge(self, request: Request) -> Judged:
        """How to go on: with a handshake, where this opens a websocket, or with an answer that ends it."""
        raise NotImplementedError

    def malformed(self) -> None:
        """Something came that is no request."""

    def failed(self, reason: str) -> None:
        """A handshake ended without a proof."""

    def welcome(self, handshake: DaemonHandshake) -> str:
        """What is said to somebody who has proved themselves."""
        raise NotImplementedError

    def take_over(self, proved: Proved) -> None:
        """The connection is the keeper's from now on."""
        raise NotImplementedError


class Visitor(asyncio.BufferedProtocol):
    """See above. ``keeper`` decides."""

    __slots__ = ("_answering", "_ignored", "_is_shaking", "_keeper", "_received", "_take", "_transport")

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._transport: asyncio.Transport | None = None
        self._take: Callable[[], None] = self._take_head
        self._received = bytearray()
        self._is_shaking = False
        """Between the opening and the proof."""
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
        if self._is_shaking:
            self._keeper.failed("gone")
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
            self._keeper.malformed()
            self._leave(REFUSAL)
            return
        del self._received[:end]
        judged = self._keeper.judge(request)
        if isinstance(judged, DaemonHandshake):
            self._is_shaking = True
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

    def _take_words(self, request: Request, handshake: DaemonHandshake) -> None:
        try:
            for text in texts(self._received):
                for reply in handshake.receive(decode_from_client(text)):
                    self._say(text_frame(encode(reply)))
                self._step()
                if handshake.credential is not None:
                    self._hand_over(request, handshake, handshake.credential)
                    return
        except (Refused, ProtocolError):
            self._refuse("proof")

    def _hand_over(self, request: Request, handshake: DaemonHandshake, credential: Credential) -> None:
        self._is_shaking = False
        rest, self._received, self._take = bytes(self._received), bytearray(), _nothing
        self._keeper.strangers.leave(self)
        transport, self._transport = self._transport, None
        if transport is not None and not transport.is_closing():
            transport.write(text_frame(self._keeper.welcome(handshake)))
            self._keeper.take_over(Proved(transport, request, credential, rest))

    def _step(self) -> None:
        self._keeper.strangers.step(self)

    # The ends.

    def _refuse(self, reason: str) -> None:
        self._is_shaking = False
        self._keeper.failed(reason)
        self._leave(close_frame(REFUSED))

    def _leave(self, last_words: bytes) -> None:
        """Say this and close, once the other side has read it or does not care to."""
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
        if self._is_shaking:
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
    """Nothing more is taken."""
