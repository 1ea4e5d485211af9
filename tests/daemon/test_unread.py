"""A client that asks and never reads: its answers wait with it, not in the daemon's memory."""

import asyncio

import pytest

from daemon import session
from daemon.client import DaemonClient
from daemon.pairing import CHROMIUM_ORIGIN, MAX_CLIENTS
from daemon.protocol import FromDaemon
from daemon.server import Server
from daemon.session import MAX_UNREAD, Session
from tests.daemon import odd_workers
from tests.daemon.conftest import StartServer, local_client

QUESTIONS = 10_000
"""The answers are some kilobytes each: what the system keeps of a connection is full before the last."""

SECONDS = 30.0


@pytest.fixture
async def server(start_server: StartServer) -> Server:
    """With so many browsers that their list is some kilobytes long."""
    started = await start_server(odd_workers.echo)
    for number in range(MAX_CLIENTS):
        started.pairing.open_pairing()
        started.pairing.pair(f"browser {number}", CHROMIUM_ORIGIN)
    return started


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many answers waited, each time there was one more."""
    counts = [0]
    say = Session._say

    def watched(self: Session, message: FromDaemon) -> None:
        say(self, message)
        counts.append(len(self._outbox))

    monkeypatch.setattr(Session, "_say", watched)
    return counts


async def ask(client: DaemonClient, unread: list[int], other: DaemonClient) -> None:
    """Until nothing more is read from it."""
    # Whoever reads for the client would empty the line.
    client._reader.cancel()
    for _ in range(QUESTIONS):
        await asyncio.wait_for(client._connection.send('{"type":"clients"}'), SECONDS)
    while max(unread) < MAX_UNREAD:
        await asyncio.wait_for(other.status(), SECONDS)


async def test_nothing_more_is_read_from_it_until_it_reads(server: Server, unread: list[int]) -> None:
    async with await local_client(server) as other, await local_client(server) as client:
        await ask(client, unread, other)
        for _ in range(QUESTIONS):
            assert '"client-list"' in str(await asyncio.wait_for(client._connection.recv(), SECONDS))
    assert max(unread) == MAX_UNREAD


async def is_alone(server: Server) -> None:
    async with asyncio.timeout(SECONDS):
        while len(server._house.sessions) > 1:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def test_it_may_go_away_meanwhile(server: Server, unread: list[int]) -> None:
    async with await local_client(server) as other:
        client = await local_client(server)
        await ask(client, unread, other)
        client._connection.transport.abort()
        await is_alone(server)
        assert (await other.status()).worker


async def test_it_is_sent_away_in_the_end(server: Server, unread: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "UNREAD_SECONDS", 0.5)
    monkeypatch.setattr(session, "CLOSE_SECONDS", 0.5)
    async with await local_client(server) as other:
        client = await local_client(server)
        await ask(client, unread, other)
        await is_alone(server)
        client._connection.transport.abort()


async def test_it_keeps_the_daemon_from_nothing(server: Server, unread: list[int]) -> None:
    async with await local_client(server) as other:
        client = await local_client(server)
        await ask(client, unread, other)
        async with asyncio.timeout(SECONDS):
            await server.stop()
        client._connection.transport.abort()
