"""Has an album's photos cloaked by the daemon, several under way at once."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Final, Protocol

from daemon.album.album import CloakedPhoto, FailedPhoto, read
from daemon.album.tree import Source
from daemon.client import DaemonClient, NoDaemonError
from daemon.wire.errors import CloakroomError
from daemon.wire.protocol import Limits, PolicyRequest

BUSY_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 15.0, *(30.0,) * 20)
"""How long to wait each time that the daemon has no room: ten minutes in all, while others have theirs done."""

RETURN_SECONDS: Final = 60.0
"""Time for a daemon that went away to come back: service managers restart it within that."""

LOADING_SECONDS: Final = 180.0

CONNECTIONS: Final = 5
"""On which a photo is tried; one that takes the daemon down with it shall not do so for ever."""

Open = Callable[[], Awaitable[DaemonClient]]


class Cloaker(Protocol):
    """Whatever cloaks an album: the daemon, or a cluster."""

    def cloak(self, sources: Iterable[Source]) -> AsyncGenerator[CloakedPhoto | FailedPhoto, None]:
        """Each photo, as it ends, in whatever order. Closing it gives up those under way.

        Raises:
            NoDaemonError: nobody is there to do it any more.
        """
        ...


def at_once(limits: Limits) -> int:
    """Photos under way at once: enough that the worker never waits, and three quarters of the queue left to others."""
    return max(1, limits.queue // 4)


class DaemonCloaker:
    """Args:
    open_client: a new connection to the daemon.
    policy: what is asked for.
    channel: the site whose treatment the reports shall speak of.
    """

    def __init__(self, open_client: Open, policy: PolicyRequest, channel: str | None) -> None:
        self._open = open_client
        self._policy = policy
        self._channel = channel
        self._client: DaemonClient | None = None
        self._opening = asyncio.Lock()

    async def cloak(self, sources: Iterable[Source]) -> AsyncGenerator[CloakedPhoto | FailedPhoto, None]:
        """See `Cloaker`."""
        waiting = iter(sources)
        pending: set[asyncio.Task[CloakedPhoto | FailedPhoto]] = set()
        many = at_once((await self.connected()).welcome.limits)
        try:
            while True:
                while len(pending) < many and (source := next(waiting, None)) is not None:
                    pending.add(asyncio.create_task(self._one(source)))
                if not pending:
                    return
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            await self.close()

    async def _one(self, source: Source) -> CloakedPhoto | FailedPhoto:
        try:
            source, data = await asyncio.to_thread(read, source)
            return await self._with_patience(source, data)
        except CloakroomError as problem:
            return FailedPhoto(source, problem.code)
        except OSError:
            return FailedPhoto(source, "unreadable")

    async def _with_patience(self, source: Source, data: bytes) -> CloakedPhoto:
        for seconds in BUSY_SECONDS:
            try:
                return await self._send(source, data)
            except CloakroomError as problem:
                if problem.code != "busy":
                    raise
            await asyncio.sleep(seconds)
        raise CloakroomError("busy")

    async def _send(self, source: Source, data: bytes) -> CloakedPhoto:
        """On the next connection where one is lost; what the daemon still had of it is lost too."""
        for _ in range(CONNECTIONS):
            client, job = await self.connected(), secrets.token_hex(16)
            try:
                # Without its name: nothing there asks for it.
                protected = await client.protect(data, self._policy, channel=self._channel, job=job)
            except NoDaemonError:
                await self._lost(client)
                continue
            except asyncio.CancelledError:
                with contextlib.suppress(NoDaemonError):
                    await client.cancel(job)
                raise
            return CloakedPhoto(source, protected.data, protected.report)
        raise CloakroomError("worker-died")

    async def connected(self) -> DaemonClient:
        """The connection, a new one where the last was lost.

        Raises:
            NoDaemonError: the daemon did not come back within a minute.
        """
        async with self._opening:
            end = asyncio.get_running_loop().time() + RETURN_SECONDS
            while self._client is None:
                try:
                    self._client = await self._open()
                except NoDaemonError:
                    if asyncio.get_running_loop().time() > end:
                        raise
                    await asyncio.sleep(1.0)
            return self._client

    async def _lost(self, client: DaemonClient) -> None:
        if self._client is client:
            self._client = None
            await client.close()

    async def models(self) -> str:
        """The set of models that the worker has loaded; known for certain only once it has."""
        end = asyncio.get_running_loop().time() + LOADING_SECONDS
        while True:
            state = await (await self.connected()).status()
            if state.worker == "ready" or asyncio.get_running_loop().time() > end:
                return state.models
            await asyncio.sleep(0.2)

    async def close(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()
