"""One authenticated websocket: carries the frames of a conversation, and does what it asks for."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import psutil
from aiohttp import WSMsgType, web

from daemon.front.backend import Backend
from daemon.front.pairing import CODE_SECONDS, LOCAL_CLIENT, Pairing
from daemon.front.queue import JobQueue
from daemon.front.sessions import Sessions
from daemon.metrics.counts import Metrics
from daemon.wire import actions
from daemon.wire.conversation import UPLOAD_SILENCE, Conversation
from daemon.wire.errors import CloakroomError
from daemon.wire.handshake import Credential
from daemon.wire.job_events import Event
from daemon.wire.protocol import (
    ClientList,
    Clients,
    FromDaemon,
    OpenPairing,
    PairingCode,
    Revoke,
    Revoked,
    State,
    error,
)
from protectors.names import PROTECTORS

GOING_AWAY: Final = 1001
DOES_NOT_READ: Final = 1008
UNREAD_SECONDS = 60.0
"""Time after which a client that does not read is sent away."""
CLOSE_SECONDS: Final = 5.0
"""Time for the closing handshake; then the connection is cut."""


@dataclass(frozen=True)
class SessionContext:
    """The parts of the daemon that all sessions share."""

    queue: JobQueue
    backend: Backend
    pairing: Pairing
    sessions: Sessions
    begun: float
    metrics: Metrics = field(default_factory=Metrics)


class Session:
    """Serves one socket until it closes.

    Args:
        socket: after the handshake.
        credential: who is on the other side.
        context: shared by all sessions.
        cut: ends the connection at once, whatever is still to be sent.
    """

    def __init__(
        self, socket: web.WebSocketResponse, credential: Credential, context: SessionContext, cut: Callable[[], None]
    ) -> None:
        self._socket = socket
        self._cut = cut
        self.client = credential.client
        self._context = context
        # Only the command line of the same user may decide who is let in.
        self._conversation = Conversation(may_manage=self.client == LOCAL_CLIENT)
        self._is_leaving = False
        self._all_sent = asyncio.Event()
        self._has_news = asyncio.Event()
        self._outbox_is_empty = asyncio.Event()
        self._is_over = False
        self._sweeper: asyncio.Task[None] | None = None
        # One bound method, so that the queue can tell this listener from others.
        self._listener = self._hear

    async def serve(self) -> None:
        writer = asyncio.create_task(self._write())
        try:
            await self._read()
        finally:
            self._context.queue.leave(self._listener)
            for job in self._conversation.uploads:
                self._context.queue.release(self.client, job)
            tasks = [writer, *([self._sweeper] if self._sweeper else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def leave(self, seconds: float) -> None:
        """The daemon goes away: what there is to say is said first, if the client reads it in time."""
        self._is_leaving = True
        self._has_news.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._all_sent.wait()
        await self.close(GOING_AWAY)

    async def close(self, code: int) -> None:
        """End it, also where the client does not read what it is told."""
        self._end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close(code=code)
        self._cut()

    def _end(self) -> None:
        """Nothing will be written any more: nobody shall wait for it."""
        self._is_over = True
        self._outbox_is_empty.set()

    # From the client.

    async def _read(self) -> None:
        async for frame in self._socket:
            if frame.type is WSMsgType.TEXT:
                self._conversation.receive_text(frame.data)
            elif frame.type is WSMsgType.BINARY:
                self._conversation.receive_chunk(frame.data)
            await self._do_all()
            if self._conversation.is_outbox_full and not await self._wait_until_sent():
                return

    async def _wait_until_sent(self) -> bool:
        """Wait until all is sent; False where the connection is over instead, or the client does not read in time."""
        if not self._is_over:
            self._outbox_is_empty.clear()
            try:
                async with asyncio.timeout(UNREAD_SECONDS):
                    await self._outbox_is_empty.wait()
            except TimeoutError:
                await self.close(DOES_NOT_READ)
        return not self._is_over

    async def _do_all(self) -> None:
        for action in self._conversation.take_actions():
            if isinstance(action, actions.Close):
                await self.close(action.code)
            else:
                self._do(action)
        if self._conversation.unsent:
            self._has_news.set()

    def _do(self, action: actions.Action) -> None:
        queue, conversation = self._context.queue, self._conversation
        match action:
            case actions.Reserve(job=job, size=size):
                try:
                    queue.reserve(self.client, job, size)
                except CloakroomError as problem:
                    conversation.refuse_upload(job, problem)
                else:
                    self._sweep_soon()
            case actions.Release(job=job):
                queue.release(self.client, job)
            case actions.Submit(job=job, policy=policy, channel=channel, data=data):
                queue.submit(self.client, job, policy, channel, data, self._listener)
            case actions.CancelJob(job=job):
                self._refusing(job, lambda: queue.cancel(self.client, job))
            case actions.FetchJob(job=job):
                self._refusing(job, lambda: queue.fetch(self.client, job, self._listener))
            case actions.CountRefusal(code=code):
                self._context.metrics.refused("job", code)
            case actions.TellState():
                self._say(self._state())
            case actions.Manage(message=message):
                self._manage(message)

    def _refusing(self, job: str, act: Callable[[], None]) -> None:
        try:
            act()
        except CloakroomError as problem:
            self._conversation.refuse(job, problem)

    def _sweep_soon(self) -> None:
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep())

    async def _sweep(self) -> None:
        """Give up uploads that have stopped, for as long as there are any."""
        while self._conversation.uploads:
            await asyncio.sleep(UPLOAD_SILENCE / 4)
            self._conversation.give_up_silent_uploads()
            await self._do_all()

    def _manage(self, message: OpenPairing | Clients | Revoke) -> None:
        pairing = self._context.pairing
        match message:
            case OpenPairing():
                self._say(PairingCode(code=pairing.open_pairing(), seconds=CODE_SECONDS))
            case Clients():
                self._say(ClientList(clients=pairing.entries()))
            case Revoke(client=client):
                if pairing.revoke(client):
                    self._context.queue.drop_client(client)
                    self._context.sessions.close(client)
                    self._say(Revoked(client=client))
                else:
                    self._say(error(None, "bad-request", "No browser with this id is paired. Run `cloakroom pair --list`."))

    def _state(self) -> State:
        context = self._context
        # Only the worker knows what it computes on, and whether it can.
        context.backend.want()
        facts = context.backend.facts
        return State(
            queued=context.queue.queued,
            running=context.queue.running,
            worker=context.backend.state,
            device=facts.device if facts else "starting",
            models=facts.models if facts else "embedded",
            protectors=facts.protectors if facts else PROTECTORS,
            clients=len(context.pairing.entries()),
            front_rss=int(psutil.Process().memory_info().rss),
            worker_rss=context.backend.rss(),
            uptime=round(time.monotonic() - context.begun, 3),
        )

    # To the client.

    def _hear(self, job: str, event: Event) -> None:
        self._conversation.hear(job, event)
        self._has_news.set()

    def _say(self, message: FromDaemon) -> None:
        self._conversation.say(message)
        self._has_news.set()

    async def _write(self) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                while True:
                    while not self._conversation.unsent:
                        if self._is_leaving:
                            self._all_sent.set()
                        self._outbox_is_empty.set()
                        self._has_news.clear()
                        await self._has_news.wait()
                    for frame in self._conversation.take_frames():
                        if isinstance(frame, str):
                            await self._socket.send_str(frame)
                        else:
                            await self._socket.send_bytes(frame)
        finally:
            self._end()
