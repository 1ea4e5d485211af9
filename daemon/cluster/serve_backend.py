"""The daemon's end of a cluster that cloaks for it: the worker's messages over HTTP, and never Ray in this process."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Callable
from typing import Final

import aiohttp
import msgspec

from daemon.cluster.joining import ClusterError
from daemon.cluster.launching import Launch, Where
from daemon.cluster.pipe_over_http import Lost, PhotoRequest, messages, pack
from daemon.front.readiness import Readiness, WorkerLostError, pause_after
from daemon.wire.errors import CloakroomError
from daemon.wire.pipe import Beat, Done, Failed, Ready, Step
from daemon.wire.protocol import PolicyRequest, WorkerState

CONNECT_SECONDS: Final = 10.0
READY_SECONDS: Final = 180.0
SILENCE_SECONDS: Final = 30.0
"""A replica beats every second."""


class ServeBackend:
    """See `daemon.front.backend.Backend`.

    Args:
        launch: finds the cluster; asked again whenever it was lost.
        silence: seconds without a word after which a job counts as lost.
    """

    def __init__(self, launch: Launch, silence: float = SILENCE_SECONDS) -> None:
        self._launch = launch
        self._silence = silence
        self._session: aiohttp.ClientSession | None = None
        self._where: Where | None = None
        self._trust: ssl.SSLContext | bool = True
        self._task: asyncio.Task[None] | None = None
        self._readiness = Readiness()
        self._lost = asyncio.Event()
        self._given_up: dict[str, asyncio.Event] = {}
        self.facts: Ready | None = None
        self.restarts = 0
        self.device_memory: int | None = None

    @property
    def state(self) -> WorkerState:
        return self._readiness.state

    @property
    def is_alive(self) -> bool:
        return self._task is not None and not self._task.done()

    @property
    def pid(self) -> int | None:
        return None

    def rss(self) -> int:
        return 0

    def want(self) -> None:
        """Do nothing: another's cluster is not ours to start, and our own was started with the daemon."""

    def start(self, wanted: bool = True) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        # Proxies from the environment have no business with photos.
        self._session = aiohttp.ClientSession(timeout=timeout, trust_env=False, auto_decompress=False)
        self._task = asyncio.create_task(self._keep_ready())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._session is not None:
            await self._session.close()
        await self._launch.end()

    async def started(self) -> Ready:
        return await self._readiness.wait(lambda: self.facts)

    async def run(
        self, job: str, policy: PolicyRequest, channel: str | None, data: bytes, on_step: Callable[[Step], None]
    ) -> tuple[Done | Failed, bytes]:
        await self.started()
        given_up = self._given_up[job] = asyncio.Event()
        asking = asyncio.create_task(self._ask(pack(PhotoRequest(policy, channel)) + data, on_step))
        hearing = asyncio.create_task(given_up.wait())
        try:
            await asyncio.wait({asking, hearing}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
        finally:
            del self._given_up[job]
            # Hanging up is how the other side learns of it.
            for task in (asking, hearing):
                task.cancel()
            await asyncio.gather(asking, hearing, return_exceptions=True)
        problem = CloakroomError("cancelled")
        return Failed(job=job, code=problem.code, sentence=problem.sentence), b""

    def give_up(self, job: str) -> None:
        if job in self._given_up:
            self._given_up[job].set()

    # The wire.

    async def _ask(self, request: bytes, on_step: Callable[[Step], None]) -> tuple[Done | Failed, bytes]:
        try:
            async with self._request("POST", request, self._silence) as answer:
                async for said, body in messages(answer.content.readexactly):
                    if isinstance(said, Done | Failed):
                        return said, body
                    if isinstance(said, Step):
                        on_step(said)
                    elif isinstance(said, Beat):
                        self.device_memory = said.device_memory
                    elif isinstance(said, Lost):
                        # Only the worker behind it died; the replica has the next one already.
                        self.restarts += 1
                        raise WorkerLostError
        except (aiohttp.ClientError, TimeoutError, OSError, EOFError, msgspec.DecodeError):
            self.restarts += 1
            self._readiness.change("restarting")
            self._lost.set()
        raise WorkerLostError

    @contextlib.asynccontextmanager
    async def _request(self, method: str, data: bytes | None, silence: float) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """An answer that is one; raises aiohttp.ClientError where it is a refusal."""
        if self._session is None or self._where is None:
            raise aiohttp.ClientError
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence)
        headers = {"Authorization": f"Bearer {self._where.token}"}
        async with self._session.request(
            method, self._where.address, data=data, headers=headers, timeout=timeout, ssl=self._trust, allow_redirects=False
        ) as answer:
            if answer.status != 200:
                raise aiohttp.ClientError
            yield answer

    # Being there.

    async def _keep_ready(self) -> None:
        """Find the cluster, and again each time that it is lost; in between, nothing wakes up."""
        failed_in_a_row = 0
        while True:
            self._lost.clear()
            if await self._find():
                failed_in_a_row = 0
                self._readiness.change("ready")
                await self._lost.wait()
                continue
            failed_in_a_row += 1
            self._readiness.fail()
            await asyncio.sleep(pause_after(failed_in_a_row))

    async def _find(self) -> bool:
        try:
            self._where = await self._launch.find()
            if self._where.authority is not None:
                self._trust = await asyncio.to_thread(ssl.create_default_context, cafile=str(self._where.authority))
            async with self._request("GET", None, READY_SECONDS) as answer:
                async for said, _ in messages(answer.content.readexactly):
                    if isinstance(said, Ready):
                        self.facts = said
                        return True
        except (aiohttp.ClientError, TimeoutError, OSError, EOFError, msgspec.DecodeError, ClusterError, ValueError):
            pass
        return False
