"""The daemon's front: HTTP on the loopback, one path, and the same refusal for whatever does not belong.

This process never imports torch and never decodes an image.
"""

import contextlib
import logging
import os
import socket as sockets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import psutil
from aiohttp import web

from daemon import DEFAULT_PORT, VERSION
from daemon.front.backend import Backend
from daemon.front.door import Door, Inside
from daemon.front.jobs import QueueSettings
from daemon.front.metrics_endpoint import METRICS_FIELDS, MetricsSocket, TokenDoor
from daemon.front.pairing import LOCAL_CLIENT, Pairing
from daemon.front.queue import JobQueue
from daemon.front.resumed import Resumer
from daemon.front.session import Session, SessionContext
from daemon.front.sessions import Sessions
from daemon.front.supervisor import Supervisor
from daemon.front.watch import Watch
from daemon.front.worker_process import EntryPoint
from daemon.metrics.counts import Metrics
from daemon.metrics.exposition import Exposition, Present
from daemon.metrics.places import metrics_socket
from daemon.models.store import embedded_classes
from daemon.state.folder import LocalAccess, Lock, StateError, prepare, remove_local, write_local
from daemon.wire.frames import MAX_FRAME
from daemon.wire.handshake import DaemonHandshake
from daemon.wire.protocol import LIMITS, REFUSED, Welcome
from daemon.wire.protocol import VERSION as PROTOCOL_VERSION
from daemon.wire.request import Request, answer
from daemon.wire.worker_settings import WorkerSettings
from protectors.names import PROTECTORS

log = logging.getLogger("cloakroom.server")

MAX_SESSIONS: Final = 128
LAST_WORDS_SECONDS: Final = 3.0
END_SECONDS: Final = 10.0
"""Time for the sessions to end."""


@dataclass(frozen=True)
class ServerSettings:
    """The settings that a daemon runs with.

    Attributes:
        state: the state folder.
        entry: the function that the worker process runs: `daemon.worker.process.main`, but in tests.
        port: 0 picks a free one.
        listeners: sockets that listen already, on the loopback; with them `port` does not matter.
        worker: handed to the worker process.
        queue: bounds of the queue.
        watch: limits of the worker.
        worker_start: the worker comes at "boot", or when there is "need" of it.
        metrics: whether they can be read, over the state folder's socket and, with its token, over the loopback.
        backend: what cloaks in the worker process' place.
    """

    state: Path
    entry: EntryPoint
    port: int = DEFAULT_PORT
    listeners: tuple[sockets.socket, ...] = ()
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    queue: QueueSettings = field(default_factory=QueueSettings)
    watch: Watch = field(default_factory=Watch)
    worker_start: Literal["boot", "need"] = "boot"
    metrics: bool = True
    backend: Backend | None = None


class Server:
    """One daemon. `start`, then `stop`.

    Raises on start:
        StateError: the state folder or the port cannot be had; says what to do.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.port = settings.port
        folder = prepare(settings.state)
        self.pairing = Pairing(folder)
        self.backend: Backend = settings.backend or Supervisor(settings.worker, settings.watch, settings.entry)
        self.metrics = Metrics()
        self.queue = JobQueue(self.backend, settings.queue, metrics=self.metrics)
        self._context = SessionContext(self.queue, self.backend, self.pairing, Sessions(), time.monotonic(), self.metrics)
        self._exposition = Exposition(self.metrics, self._present)
        self._metrics_door = TokenDoor(folder) if settings.metrics else None
        self._metrics_socket = MetricsSocket(metrics_socket(folder), self._exposition.text)
        self._lock = Lock(folder)
        self._hosts: frozenset[str] = frozenset()
        self._is_draining = False

    @property
    def access(self) -> LocalAccess:
        """The credentials that the command line needs to get in."""
        return LocalAccess(self.port, LOCAL_CLIENT, self.pairing.local.key.hex(), os.getpid())

    async def start(self) -> None:
        self._lock.acquire()
        try:
            listeners = self._listen()
        except BaseException:
            self._lock.release()
            raise
        self._resumer = Resumer(self._handle)
        inside = Inside(self._answer, self._closed, self._welcome, self._resumer.take_over)
        self._door = Door(self._hosts, self.pairing, self.metrics, inside)
        await self._door.open(listeners)
        if self.settings.metrics:
            await self._metrics_socket.start()
        self.backend.start(wanted=self.settings.worker_start == "boot")
        self.queue.start()
        write_local(self.settings.state, self.access)
        log.info("listening")

    async def drain(self, seconds: float) -> None:
        """Let nobody else in, and finish the photo that runs if it can be finished in time; `stop` is still to come."""
        self._is_draining = True
        await self.queue.drain(seconds)

    async def stop(self) -> None:
        remove_local(self.settings.state, self.access)
        await self._context.sessions.leave_all(LAST_WORDS_SECONDS)
        self._door.close()
        await self._resumer.shutdown(END_SECONDS)
        self._metrics_socket.stop()
        await self.queue.stop()
        await self.backend.stop()
        self._lock.release()

    def _listen(self) -> list[sockets.socket]:
        """127.0.0.1, and ::1 on the same port where the machine has it; or what was opened for us."""
        if self.settings.listeners:
            return self._inherited(self.settings.listeners)
        first = _bind(sockets.AF_INET, "127.0.0.1", self.settings.port)
        self.port = int(first.getsockname()[1])
        hosts, listeners = [f"127.0.0.1:{self.port}"], [first]
        if sockets.has_ipv6:
            # Somebody else may have it, or the machine has no IPv6: 127.0.0.1 is enough.
            with contextlib.suppress(StateError):
                listeners.append(_bind(sockets.AF_INET6, "::1", self.port))
                hosts.append(f"[::1]:{self.port}")
        self._hosts = frozenset(hosts)
        return listeners

    def _inherited(self, listeners: tuple[sockets.socket, ...]) -> list[sockets.socket]:
        addresses = [listener.getsockname() for listener in listeners]
        if any(not isinstance(address, tuple) or address[0] not in ("127.0.0.1", "::1") for address in addresses):
            raise StateError("The service's socket listens beyond this machine. Run `cloakroom service install` again.")
        self.port = int(addresses[0][1])
        self._hosts = frozenset(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port, *_ in addresses)
        for listener in listeners:
            listener.setblocking(False)
        return list(listeners)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """A connection that is proved."""
        socket = web.WebSocketResponse(
            protocols=(PROTOCOL_VERSION,), compress=False, max_msg_size=MAX_FRAME + 1, heartbeat=30.0, timeout=3.0
        )
        credential = self._resumer.credential(request)
        if credential is None:
            return _gone()
        try:
            await socket.prepare(request)
        except ConnectionError:
            return _gone()
        session = Session(socket, credential, self._context, lambda: _cut(request))
        self._context.sessions.add(credential.client, session)
        try:
            # Revoked in the instant between its proof and here.
            if self.pairing.knows(credential.client):
                await session.serve()
            else:
                await socket.close(code=REFUSED)
        finally:
            self._context.sessions.remove(credential.client, session)
        return socket

    def _answer(self, request: Request) -> bytes | None:
        is_admitted = self._metrics_door is not None and self._metrics_door.admits(request, self._hosts)
        return answer(200, METRICS_FIELDS, self._exposition.text()) if is_admitted else None

    def _closed(self) -> str | None:
        if self._is_draining:
            return "draining"
        return "full" if len(self._context.sessions) >= MAX_SESSIONS else None

    def _present(self) -> Present:
        return Present(
            queued=self.queue.queued,
            running=self.queue.running,
            sessions=len(self._context.sessions),
            worker_ready=self.backend.state == "ready",
            restarts=self.backend.restarts,
            front_rss=int(psutil.Process().memory_info().rss),
            worker_rss=self.backend.rss(),
            device_memory=self.backend.device_memory,
            uptime=round(time.monotonic() - self._context.begun, 3),
        )

    def _welcome(self, handshake: DaemonHandshake) -> Welcome:
        facts = self.backend.facts
        return Welcome(
            proof=handshake.welcome_proof(),
            limits=LIMITS,
            protectors=facts.protectors if facts else PROTECTORS,
            device=facts.device if facts else "starting",
            models=facts.models if facts else "embedded",
            version=VERSION,
            classes=facts.classes if facts else embedded_classes(),
        )


def _cut(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


def _bind(family: sockets.AddressFamily, address: str, port: int) -> sockets.socket:
    listener = sockets.socket(family, sockets.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        elif hasattr(sockets, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_EXCLUSIVEADDRUSE, 1)
        listener.bind((address, port))
    except OSError:
        listener.close()
        raise StateError(f"Port {port} is taken. Stop what listens there, or choose another with --port.") from None
    listener.setblocking(False)
    return listener


def _gone() -> web.Response:
    """No one reads this, but aiohttp wants an answer that it may fail to send."""
    response = web.Response(status=403)
    response.force_close()
    return response
