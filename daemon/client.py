"""The Python client of cloakroom.v1, on the `websockets` library: an implementation apart from the server's."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin, Subprotocol

from daemon.state.folder import read_local
from daemon.wire.errors import CloakroomError
from daemon.wire.frames import MAX_FRAME, Assembly, decode_frame, encode_frames
from daemon.wire.handshake import ClientHandshake, Credential, Refused
from daemon.wire.protocol import (
    LOCAL_ORIGIN,
    VERSION,
    Cancel,
    ClientEntry,
    ClientList,
    Clients,
    Error,
    Fetch,
    FromClient,
    FromDaemon,
    OpenPairing,
    PairingCode,
    PolicyRequest,
    Progress,
    Protect,
    ProtocolError,
    Queued,
    Result,
    Revoke,
    Revoked,
    State,
    Status,
    Welcome,
    decode_from_daemon,
    encode,
)

Answer = TypeVar("Answer", PairingCode, ClientList, Revoked, State)
OnProgress = Callable[[Queued | Progress], None]
CONNECT_SECONDS = 10.0


class NoDaemonError(Exception):
    """No daemon answers, or it is not ours."""


@dataclass(frozen=True)
class Protected:
    """The cloaked file and what the judge said of it."""

    data: bytes
    mime: str
    report: dict[str, Any]


@dataclass
class _Transfer:
    """A job that this client waits for."""

    ended: asyncio.Future[Protected]
    on_progress: OnProgress | None
    result: Result | None = None
    assembly: Assembly | None = None


class DaemonClient:
    """One authenticated connection; use `open` or `open_local`, and `close` it.

    Every call raises NoDaemonError once the connection is lost.
    """

    def __init__(self, connection: ClientConnection, handshake: ClientHandshake, welcome: Welcome) -> None:
        self._connection = connection
        self.welcome = welcome
        self.port: int = connection.remote_address[1]
        self.credential = handshake.credential
        self._transfers: dict[str, _Transfer] = {}
        self._asking = asyncio.Lock()
        self._answer: asyncio.Future[FromDaemon] | None = None
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls,
        port: int,
        credential: Credential | None,
        *,
        origin: str = LOCAL_ORIGIN,
        code: str = "",
        label: str = "Command line",
    ) -> Self:
        """Connect and shake hands; with a code instead of a credential, pair.

        Raises:
            NoDaemonError: nobody listens, it refuses, or it does not prove that it is our daemon.
        """
        host = f"127.0.0.1:{port}"
        handshake = ClientHandshake(host, credential, code=code, label=label)
        try:
            connection = await connect(
                f"ws://{host}/v1",
                origin=Origin(origin),
                subprotocols=[Subprotocol(VERSION)],
                compression=None,
                max_size=MAX_FRAME,
                open_timeout=CONNECT_SECONDS,
                # A proxy from the environment has no business with the loopback.
                proxy=None,
            )
        except (OSError, InvalidHandshake, TimeoutError):
            raise NoDaemonError from None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.send(encode(handshake.hello()))
                while handshake.welcome is None:
                    answer = handshake.receive(decode_from_daemon(await connection.recv()))
                    if answer is not None:
                        await connection.send(encode(answer))
        except (ConnectionClosed, Refused, ProtocolError, TimeoutError):
            await connection.close()
            raise NoDaemonError from None
        return cls(connection, handshake, handshake.welcome)

    @classmethod
    async def open_local(cls, state: Path) -> Self:
        """Connect to the daemon of a state folder.

        Raises:
            NoDaemonError: none runs.
        """
        access = read_local(state)
        if access is None:
            raise NoDaemonError
        return await cls.open(access.port, Credential(access.client, bytes.fromhex(access.key)))

    async def close(self) -> None:
        await self._connection.close()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # Photos.

    async def protect(
        self,
        data: bytes,
        policy: PolicyRequest,
        *,
        name: str = "",
        mime: str = "",
        channel: str | None = None,
        on_progress: OnProgress | None = None,
        job: str | None = None,
    ) -> Protected:
        """Send a photo and wait for the cloaked one. ``channel`` names the site whose treatment the report shall speak of.

        Raises:
            CloakroomError: by name, why there is none.
            NoDaemonError: the connection was lost; `fetch` may still get the result on a new one.
        """
        job = job or secrets.token_hex(16)
        transfer = self._expect(job, on_progress)
        message = Protect(job=job, name=name, mime=mime, size=len(data), channel=channel, policy=policy)
        await self._send(message)
        with self._lost_is_no_daemon():
            for frame in encode_frames(job, data):
                if transfer.ended.done():
                    break
                await self._connection.send(frame)
        return await self._wait(job, transfer)

    async def fetch(self, job: str, on_progress: OnProgress | None = None) -> Protected:
        """Ask again for a job that an earlier connection began; raises as `protect` does."""
        transfer = self._expect(job, on_progress)
        await self._send(Fetch(job=job))
        return await self._wait(job, transfer)

    async def cancel(self, job: str) -> None:
        """Give a job up; whoever waits for it gets CloakroomError cancelled."""
        await self._send(Cancel(job=job))

    def _expect(self, job: str, on_progress: OnProgress | None) -> _Transfer:
        transfer = _Transfer(asyncio.get_running_loop().create_future(), on_progress)
        self._transfers[job] = transfer
        if self._reader.done():
            transfer.ended.set_exception(NoDaemonError())
        return transfer

    async def _wait(self, job: str, transfer: _Transfer) -> Protected:
        try:
            return await transfer.ended
        finally:
            self._transfers.pop(job, None)

    # Questions.

    async def status(self) -> State:
        return await self._ask(Status(), State)

    async def open_pairing(self) -> PairingCode:
        return await self._ask(OpenPairing(), PairingCode)

    async def clients(self) -> tuple[ClientEntry, ...]:
        return (await self._ask(Clients(), ClientList)).clients

    async def revoke(self, client: str) -> None:
        """Forget a browser.

        Raises:
            CloakroomError: none of this id is paired.
        """
        await self._ask(Revoke(client=client), Revoked)

    async def _ask(self, question: FromClient, kind: type[Answer]) -> Answer:
        async with self._asking:
            self._answer = asyncio.get_running_loop().create_future()
            if self._reader.done():
                raise NoDaemonError
            await self._send(question)
            answer = await self._answer
        if isinstance(answer, Error):
            raise CloakroomError(answer.code, answer.message)
        if not isinstance(answer, kind):
            raise NoDaemonError
        return answer

    # The wire.

    async def _send(self, message: FromClient) -> None:
        with self._lost_is_no_daemon():
            await self._connection.send(encode(message))

    @contextlib.contextmanager
    def _lost_is_no_daemon(self) -> Any:
        try:
            yield
        except ConnectionClosed:
            raise NoDaemonError from None

    async def _read(self) -> None:
        try:
            async for frame in self._connection:
                if isinstance(frame, str):
                    self._take(decode_from_daemon(frame))
                else:
                    self._take_chunk(*decode_frame(frame))
        except (ConnectionClosed, ProtocolError):
            await self._connection.close()
        finally:
            self._fail_all(NoDaemonError())
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(NoDaemonError())

    def _take(self, message: FromDaemon) -> None:
        job = getattr(message, "job", None)
        transfer = self._transfers.get(job) if job is not None else None
        if job is None:
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(message)
            elif isinstance(message, Error):
                # It could not read what we sent: any job may be the one that it knows nothing of, and will never end.
                self._fail_all(CloakroomError(message.code, message.message))
        elif transfer is None or transfer.ended.done():
            return
        elif isinstance(message, Error):
            transfer.ended.set_exception(CloakroomError(message.code, message.message))
        elif isinstance(message, Result):
            transfer.result, transfer.assembly = message, Assembly(message.size)
        elif isinstance(message, Queued | Progress) and transfer.on_progress is not None:
            transfer.on_progress(message)

    def _fail_all(self, problem: Exception) -> None:
        for transfer in self._transfers.values():
            if not transfer.ended.done():
                transfer.ended.set_exception(problem)

    def _take_chunk(self, job: str, chunk: memoryview) -> None:
        transfer = self._transfers.get(job)
        if transfer is None or transfer.assembly is None or transfer.result is None:
            return
        if transfer.assembly.add(chunk) and not transfer.ended.done():
            result = transfer.result
            transfer.ended.set_result(Protected(transfer.assembly.bytes(), result.mime, result.report))
