"""One authenticated websocket: reads its messages, and writes what its jobs have to say."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil
from aiohttp import WSMsgType, web

from daemon.front.backend import Backend
from daemon.front.pairing import CODE_SECONDS, LOCAL_CLIENT, Pairing
from daemon.front.queue import Event, Failure, Finished, JobQueue, Running
from daemon.front.queue import Waiting as WaitingEvent
from daemon.front.sessions import Sessions
from daemon.metrics.counts import Metrics
from daemon.wire.errors import CloakroomError
from daemon.wire.frames import Assembly, decode_frame, encode_frames
from daemon.wire.handshake import Credential
from daemon.wire.protocol import (
    LIMITS,
    Cancel,
    ClientList,
    Clients,
    Fetch,
    FromClient,
    FromDaemon,
    OpenPairing,
    PairingCode,
    Policy,
    Progress,
    Protect,
    ProtocolError,
    Queued,
    Result,
    Revoke,
    Revoked,
    State,
    Status,
    decode_from_client,
    encode,
    error,
)
from protectors.names import PROTECTORS

GOING_AWAY = 1001
WRONG = 1002
DOES_NOT_READ = 1008
MAX_STRIKES = 20
MAX_UNREAD = 1024
"""Messages that a client may leave unread before nothing more is read from it: answers would pile up in memory."""
UNREAD_SECONDS = 60.0
"""After which one that still does not read is sent away."""
CLOSE_SECONDS = 5.0
"""For saying goodbye; then the connection is cut."""
UPLOAD_SILENCE = 60.0
"""Seconds without a chunk after which an upload is given up."""


@dataclass
class _Upload:
    policy: Policy
    channel: str | None
    assembly: Assembly
    heard: float


@dataclass(frozen=True)
class House:
    """What every session shares."""

    queue: JobQueue
    supervisor: Backend
    pairing: Pairing
    sessions: Sessions
    begun: float
    metrics: Metrics = field(default_factory=Metrics)


class Session:
    """Serves one socket until it closes.

    Args:
        socket: after the handshake.
        credential: who is on the other side.
        house: shared by all sessions.
        cut: ends the connection at once, whatever is still to be sent.
    """

    def __init__(self, socket: web.WebSocketResponse, credential: Credential, house: House, cut: Callable[[], None]) -> None:
        self._socket = socket
        self._cut = cut
        self.client = credential.client
        self._house = house
        self._uploads: dict[str, _Upload] = {}
        self._outbox: deque[tuple[str, Event] | FromDaemon] = deque()
        self._is_leaving = False
        self._written = asyncio.Event()
        self._something = asyncio.Event()
        self._is_read = asyncio.Event()
        self._is_over = False
        self._strikes = 0
        self._sweeper: asyncio.Task[None] | None = None
        # One bound method, so that the queue can tell this listener from others.
        self._listener = self._hear

    async def serve(self) -> None:
        writer = asyncio.create_task(self._write())
        try:
            await self._read()
        finally:
            self._house.queue.leave(self._listener)
            for job in self._uploads:
                self._house.queue.release(self.client, job)
            tasks = [writer, *([self._sweeper] if self._sweeper else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def leave(self, seconds: float) -> None:
        """The daemon goes away: what there is to say is said first, if the client reads it in time."""
        self._is_leaving = True
        self._something.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._written.wait()
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
        self._is_read.set()

    async def _read(self) -> None:
        async for frame in self._socket:
            try:
                if frame.type is WSMsgType.TEXT:
                    self._take(decode_from_client(frame.data))
                elif frame.type is WSMsgType.BINARY:
                    self._take_chunk(*decode_frame(frame.data))
            except ProtocolError:
                self._strikes += 1
                self._say(error(None, "bad-request"))
            if self._strikes >= MAX_STRIKES:
                await self.close(WRONG)
            if len(self._outbox) >= MAX_UNREAD and not await self._is_heard():
                return

    async def _is_heard(self) -> bool:
        """Whether the client reads what waits for it, in time."""
        if not self._is_over:
            self._is_read.clear()
            try:
                async with asyncio.timeout(UNREAD_SECONDS):
                    await self._is_read.wait()
            except TimeoutError:
                await self.close(DOES_NOT_READ)
        return not self._is_over

    # What the client says.

    def _take(self, message: FromClient) -> None:
        match message:
            case Protect():
                self._refusing(message.job, lambda: self._begin(message))
            case Cancel(job=job):
                self._refusing(job, lambda: self._cancel(job))
            case Fetch(job=job):
                self._refusing(job, lambda: self._house.queue.fetch(self.client, job, self._listener))
            case Status():
                self._say(self._state())
            case OpenPairing() | Clients() | Revoke():
                self._manage(message)
            case _:
                raise ProtocolError

    def _refusing(self, job: str, action: Callable[[], None]) -> None:
        try:
            action()
        except CloakroomError as problem:
            if problem.code != "cancelled":
                self._house.metrics.refused("job", problem.code)
            self._say(error(job, problem.code, problem.sentence))

    def _begin(self, message: Protect) -> None:
        if message.size == 0:
            raise CloakroomError("empty")
        if message.size > LIMITS.bytes:
            raise CloakroomError("too-large")
        self._house.queue.reserve(self.client, message.job, message.size)
        self._uploads[message.job] = _Upload(message.policy, message.channel, Assembly(message.size), time.monotonic())
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep())

    def _take_chunk(self, job: str, chunk: memoryview) -> None:
        upload = self._uploads.get(job)
        if upload is None:
            # Chunks of a job that was refused or cancelled are still on their way.
            return
        try:
            complete = upload.assembly.add(chunk)
        except ProtocolError:
            self._drop_upload(job)
            self._say(error(job, "bad-request"))
            return
        upload.heard = time.monotonic()
        if complete:
            del self._uploads[job]
            self._house.queue.submit(self.client, job, upload.policy, upload.channel, upload.assembly.bytes(), self._listener)

    def _cancel(self, job: str) -> None:
        if job in self._uploads:
            self._drop_upload(job)
            raise CloakroomError("cancelled")
        self._house.queue.cancel(self.client, job)

    def _drop_upload(self, job: str) -> None:
        del self._uploads[job]
        self._house.queue.release(self.client, job)

    async def _sweep(self) -> None:
        """Give up uploads that have stopped, for as long as there are any."""
        while self._uploads:
            await asyncio.sleep(UPLOAD_SILENCE / 4)
            late = [job for job, u in self._uploads.items() if time.monotonic() - u.heard > UPLOAD_SILENCE]
            for job in late:
                self._drop_upload(job)
                self._say(error(job, "deadline"))

    def _manage(self, message: OpenPairing | Clients | Revoke) -> None:
        """Only the command line of the same user may decide who is let in."""
        if self.client != LOCAL_CLIENT:
            raise ProtocolError
        pairing = self._house.pairing
        match message:
            case OpenPairing():
                self._say(PairingCode(code=pairing.open_pairing(), seconds=CODE_SECONDS))
            case Clients():
                self._say(ClientList(clients=pairing.entries()))
            case Revoke(client=client):
                if pairing.revoke(client):
                    self._house.queue.drop_client(client)
                    self._house.sessions.close(client)
                    self._say(Revoked(client=client))
                else:
                    self._say(error(None, "bad-request", "No browser with this id is paired. Run `cloakroom pair --list`."))

    def _state(self) -> State:
        house = self._house
        # Only the worker knows what it computes on, and whether it can.
        house.supervisor.want()
        facts = house.supervisor.facts
        return State(
            queued=house.queue.queued,
            running=house.queue.running,
            worker=house.supervisor.state,
            device=facts.device if facts else "starting",
            models=facts.models if facts else "embedded",
            protectors=facts.protectors if facts else PROTECTORS,
            clients=len(house.pairing.entries()),
            front_rss=int(psutil.Process().memory_info().rss),
            worker_rss=house.supervisor.rss(),
            uptime=round(time.monotonic() - house.begun, 3),
        )

    # What the client hears.

    def _hear(self, job: str, event: Event) -> None:
        # Of the progress in a job's stage only the newest matters to a socket that is slow to read; every stage is told.
        if isinstance(event, Running | WaitingEvent):
            own = [index for index, waiting in enumerate(self._outbox) if isinstance(waiting, tuple) and waiting[0] == job]
            last = self._outbox[own[-1]] if own else None
            # After another stage it is news, also where a job begins again.
            if isinstance(last, tuple) and _same_stage(last[1], event):
                self._outbox[own[-1]] = (job, event)
                return
        self._outbox.append((job, event))
        self._something.set()

    def _say(self, message: FromDaemon) -> None:
        self._outbox.append(message)
        self._something.set()

    async def _write(self) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                while True:
                    while not self._outbox:
                        if self._is_leaving:
                            self._written.set()
                        self._is_read.set()
                        self._something.clear()
                        await self._something.wait()
                    item = self._outbox.popleft()
                    if isinstance(item, tuple):
                        await self._report(*item)
                    else:
                        await self._socket.send_str(encode(item))
        finally:
            self._end()

    async def _report(self, job: str, event: Event) -> None:
        match event:
            case WaitingEvent(position=position):
                await self._socket.send_str(encode(Queued(job=job, position=position)))
            case Running(stage=stage, done=done, total=total):
                await self._socket.send_str(encode(Progress(job=job, stage=stage, done=done, total=total)))
            case Failure(code=code, sentence=sentence):
                await self._socket.send_str(encode(error(job, code, sentence)))
            case Finished(mime=mime, data=data, report=report):
                result = Result(job=job, mime=mime, size=len(data), report=report)
                await self._socket.send_str(encode(result))
                for frame in encode_frames(job, data):
                    await self._socket.send_bytes(frame)


def _same_stage(waiting: Event, event: Running | WaitingEvent) -> bool:
    """Whether what waits to be told says no more than what has come since."""
    if isinstance(waiting, Running) and isinstance(event, Running):
        return waiting.stage == event.stage
    return isinstance(waiting, WaitingEvent) and isinstance(event, WaitingEvent)
