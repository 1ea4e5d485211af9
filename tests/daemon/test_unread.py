"""A client that asks and never reads: its answers wait with it, not in the daemon's memory."""

import asyncio

import pytest

from daemon.pairing import CHROMIUM_ORIGIN, MAX_CLIENTS
from daemon.protocol import FromDaemon
from daemon.session import MAX_UNREAD, Session
from tests.daemon import odd_workers
from tests.daemon.conftest import StartServer, local_client

QUESTIONS = 10_000
"""The answers are some kilobytes each: what the system keeps of a connection is full before the last."""

SECONDS = 30.0


async def test_nothing_more_is_read_from_it_until_it_reads(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await start_server(odd_workers.echo)
    for number in range(MAX_CLIENTS):
        server.pairing.open_pairing()
        server.pairing.pair(f"browser {number}", CHROMIUM_ORIGIN)
    unread = [0]
    say = Session._say

    def watched(self: Session, message: FromDaemon) -> None:
        say(self, message)
        unread.append(len(self._outbox))

    monkeypatch.setattr(Session, "_say", watched)
    async with await local_client(server) as other, await local_client(server) as client:
        # Whoever reads for the client would empty the line.
        client._reader.cancel()
        for _ in range(QUESTIONS):
            await asyncio.wait_for(client._connection.send('{"type":"clients"}'), SECONDS)
        while max(unread) < MAX_UNREAD:
            await asyncio.wait_for(other.status(), SECONDS)
        assert max(unread) == MAX_UNREAD
        for _ in range(QUESTIONS):
            assert '"client-list"' in str(await asyncio.wait_for(client._connection.recv(), SECONDS))
    assert max(unread) == MAX_UNREAD
