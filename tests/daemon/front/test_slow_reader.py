"""A client that asks and never reads: its answers wait with it, not in the daemon's memory."""

import asyncio
import contextlib

import pytest
from websockets.exceptions import ConnectionClosed

from daemon.client import DaemonClient
from daemon.front import session
from daemon.front.pairing import CHROMIUM_ORIGIN, MAX_CLIENTS
from daemon.front.server import Server
from daemon.wire.conversation import MAX_UNSENT, Conversation
from daemon.wire.protocol import FromDaemon
from tests.daemon import odd_workers
from tests.daemon.conftest import StartServer, local_client

QUESTIONS = 10_000
"""The answers are some kilobytes each: what the system keeps of a connection is full before the last."""

SECONDS = 30.0


@pytest.fixture
async def server(start_server: StartServer) -> Server:
    """A server with so many browsers that their list is some kilobytes long."""
    started = await start_server(odd_workers.echo)
    for number in range(MAX_CLIENTS):
        started.pairing.open_pairing()
        started.pairing.pair(f"browser {number}", CHROMIUM_ORIGIN)
    return started


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many answers waited, each time there was one more."""
    counts = [0]
    say = Conversation.say

    def watched(self: Conversation, message: FromDaemon) -> None:
        say(self, message)
        counts.append(self.unsent)

    monkeypatch.setattr(Conversation, "say", watched)
    return counts


async def ask(client: DaemonClient) -> None:
    """More than is answered to one that does not read."""
    # Whoever reads for the client would empty the line.
    client._reader.cancel()
    for _ in range(QUESTIONS):
        await asyncio.wait_for(client._connection.send('{"type":"clients"}'), SECONDS)


async def not_read_from(unread: list[int], other: DaemonClient) -> None:
    """Wait until the daemon reads nothing more from it."""
    while max(unread) < MAX_UNSENT:
        await asyncio.wait_for(other.status(), SECONDS)


async def test_nothing_more_is_read_from_it_until_it_reads(server: Server, unread: list[int]) -> None:
    async with await local_client(server) as other, await local_client(server) as client:
        await ask(client)
        await not_read_from(unread, other)
        for _ in range(QUESTIONS):
            assert '"client-list"' in str(await asyncio.wait_for(client._connection.recv(), SECONDS))
    assert max(unread) == MAX_UNSENT


async def is_alone(server: Server) -> None:
    async with asyncio.timeout(SECONDS):
        while len(server._context.sessions) > 1:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def test_it_may_go_away_meanwhile(server: Server, unread: list[int]) -> None:
    async with await local_client(server) as other:
        client = await local_client(server)
        await ask(client)
        await not_read_from(unread, other)
        client._connection.transport.abort()
        await is_alone(server)
        assert (await other.status()).worker


@pytest.mark.parametrize("patience", [0.5, 0.0], ids=["after-asking", "while-asking"])
async def test_it_is_sent_away_in_the_end(
    server: Server, unread: list[int], monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    monkeypatch.setattr(session, "UNREAD_SECONDS", patience)
    monkeypatch.setattr(session, "CLOSE_SECONDS", patience)
    async with await local_client(server) as other:
        client = await local_client(server)
        # On a slow machine it is sent away before it has asked everything: it is then told so, or cut off.
        with contextlib.suppress(ConnectionError, ConnectionClosed):
            await ask(client)
        await not_read_from(unread, other)
        await is_alone(server)
        client._connection.transport.abort()
    assert max(unread) == MAX_UNSENT


async def test_it_keeps_the_daemon_from_nothing(server: Server, unread: list[int]) -> None:
    async with await local_client(server) as other:
        client = await local_client(server)
        await ask(client)
        await not_read_from(unread, other)
        async with asyncio.timeout(SECONDS):
            await server.stop()
        client._connection.transport.abort()
