"""The replica that Ray Serve runs on each graphics card: a supervisor with a worker process of its own, as a daemon has it.

So everything that holds for the daemon's worker holds here: its limits, its deadline for letting go, and that a
hostile file can at worst kill it. The replica itself decodes nothing.
"""

import asyncio
import hmac
import secrets
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from daemon.cluster.pipe_over_http import MAX_REQUEST, PIECE, Lost, PhotoRequest, pack, unpack_request
from daemon.front.readiness import WorkerLostError
from daemon.front.supervisor import Supervisor
from daemon.front.watch import Watch
from daemon.front.worker_process import EntryPoint
from daemon.wire.pipe import Beat, Step
from daemon.wire.worker_settings import WorkerSettings

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

BEAT_SECONDS: Final = 1.0
READY_SECONDS: Final = 170.0


class Replica:
    """Args:
    token: what a daemon has to bring.
    settings: handed to the worker.
    watch: its limits.
    entry: what the worker process runs.
    """

    def __init__(self, token: str, settings: WorkerSettings, watch: Watch, entry: EntryPoint) -> None:
        # A spawned process runs its parent's main file first, and Ray's would join the cluster.
        sys.modules["__main__"].__file__ = None
        self._expected = f"Bearer {token}".encode()
        self._supervisor = Supervisor(settings, watch, entry)
        self._turn = asyncio.Lock()
        self._begun = False
        self._running: set[asyncio.Task[None]] = set()

    async def check_health(self) -> None:
        """Ray Serve's, every few seconds; also where nobody has asked yet, the models shall be there when somebody does.

        Raises:
            RuntimeError: nobody looks after the worker any more, and a new replica is needed.
        """
        self._begin()
        if not self._supervisor.is_alive:
            raise RuntimeError("the worker is not looked after")

    def _begin(self) -> None:
        """Begin in the loop that serves requests, which is not there yet when this is made."""
        if not self._begun:
            self._begun = True
            self._supervisor.start()

    async def __call__(self, request: "Request") -> "Response":
        from starlette.responses import Response, StreamingResponse

        given = request.headers.getlist("authorization")
        if len(given) != 1 or not hmac.compare_digest(given[0].encode("utf-8", "surrogateescape"), self._expected):
            return Response(status_code=403)
        self._begin()
        if request.method == "GET":
            return await self._ready()
        data = await _bounded(request)
        try:
            asked, photo = unpack_request(data or b"")
        except msgspec.DecodeError:
            return Response(status_code=403)
        return StreamingResponse(self._answers(asked, photo), media_type="application/octet-stream")

    async def _ready(self) -> "Response":
        from starlette.responses import Response

        try:
            async with asyncio.timeout(READY_SECONDS):
                return Response(pack(await self._supervisor.started()))
        except (WorkerLostError, TimeoutError):
            return Response(status_code=503)

    async def _answers(self, asked: PhotoRequest, photo: bytes) -> AsyncIterator[bytes]:
        """Steps as they come, a beat where there are none, and the end; whoever hangs up has given the job up."""
        name = secrets.token_hex(16)
        said: asyncio.Queue[bytes | None] = asyncio.Queue()
        wanted = asyncio.Event()
        wanted.set()
        running = asyncio.create_task(self._run(name, asked, photo, said, wanted))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        try:
            while True:
                try:
                    async with asyncio.timeout(BEAT_SECONDS):
                        packed = await said.get()
                except TimeoutError:
                    packed = pack(Beat(self._supervisor.device_memory))
                if packed is None:
                    return
                for begin in range(0, len(packed), PIECE):
                    yield packed[begin : begin + PIECE]
        finally:
            wanted.clear()
            self._supervisor.give_up(name)

    async def _run(
        self, name: str, asked: PhotoRequest, photo: bytes, said: "asyncio.Queue[bytes | None]", wanted: asyncio.Event
    ) -> None:
        """A job from its turn to its end, told packed, and None behind it. Goes on until the worker is free, also where
        nobody listens any more."""

        def step(message: Step) -> None:
            said.put_nowait(pack(message))

        async with self._turn:
            if not wanted.is_set():
                return
            try:
                ended, body = await self._supervisor.run(name, asked.policy, asked.channel, photo, step)
                said.put_nowait(pack(ended, body))
            except WorkerLostError:
                said.put_nowait(pack(Lost()))
            finally:
                said.put_nowait(None)


async def _bounded(request: Any) -> bytes | None:
    """The body, None where it is longer than any request may be."""
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > MAX_REQUEST:
            return None
    return bytes(data)
