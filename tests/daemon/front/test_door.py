"""Real sockets against a real daemon: whatever may not open the socket gets the very same refusal."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

import psutil
import pytest

from daemon.client import DaemonClient, NoDaemonError
from daemon.front.descriptors import FEWEST_STRANGERS
from daemon.front.door import STRANGER_SECONDS
from daemon.front.pairing import CHROMIUM_ORIGIN
from daemon.state.folder import read_local
from daemon.wire.handshake import ClientHandshake, Credential
from daemon.wire.protocol import LOCAL_ORIGIN, decode_from_daemon, encode
from daemon.wire.request import REFUSAL
from tests.daemon import odd_workers
from tests.daemon.conftest import RunningDaemon, StartServer
from tests.daemon.raw_clients import (
    HELLO,
    MALFORMED,
    OTHER_METHODS,
    OTHER_PATHS,
    REFUSED,
    STRANGERS,
    TWICE,
    answer,
    client_frame,
    closed_with,
    upgrade,
    with_another,
)


@pytest.fixture(scope="module")
def port(running_daemon: RunningDaemon) -> int:
    return running_daemon.port


@pytest.mark.parametrize("changed", REFUSED.values(), ids=REFUSED.keys())
def test_refused(port: int, changed: dict[str, str | None]) -> None:
    refused = answer(port, upgrade(port, "/v1", "GET", **changed))
    assert refused.startswith(b"HTTP/1.1 403 ")
    assert refused.endswith(b"\r\n\r\n")
    assert refused == answer(port, upgrade(port, Origin="https://another.example"))
    assert b"access-control" not in refused.lower()


@pytest.mark.parametrize("path", OTHER_PATHS)
def test_other_paths_are_refused_alike(port: int, path: str) -> None:
    assert answer(port, upgrade(port, path=path)) == answer(port, upgrade(port, Origin="https://another.example"))


@pytest.mark.parametrize("method", OTHER_METHODS)
def test_other_methods_are_refused_alike(port: int, method: str) -> None:
    assert answer(port, upgrade(port, method=method)) == answer(port, upgrade(port, Origin="https://another.example"))


@pytest.mark.parametrize("header", TWICE.values(), ids=TWICE.keys())
def test_a_header_that_comes_twice_is_refused_alike(port: int, header: str) -> None:
    assert answer(port, with_another(upgrade(port), header)) == answer(port, upgrade(port, Origin="https://another.example"))


@pytest.mark.parametrize("malform", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_malformed_is_refused_alike(port: int, malform: Callable[[bytes], bytes]) -> None:
    assert answer(port, malform(upgrade(port))) == REFUSAL
    assert answer(port, upgrade(port, Origin="https://another.example")) == REFUSAL


@pytest.mark.parametrize("origin", [CHROMIUM_ORIGIN, LOCAL_ORIGIN])
def test_our_own_are_let_as_far_as_the_handshake(port: int, origin: str) -> None:
    """The control of everything above: the same request, unchanged, is upgraded."""
    upgraded = answer(port, upgrade(port, Origin=origin))
    assert upgraded.startswith(b"HTTP/1.1 101 ")
    assert b"cloakroom.v1" in upgraded


def test_compression_is_off_even_when_offered(port: int) -> None:
    upgraded = answer(port, upgrade(port, Sec_WebSocket_Extensions="permessage-deflate"))
    assert upgraded.startswith(b"HTTP/1.1 101 ")
    assert b"permessage-deflate" not in upgraded.lower()


def test_it_listens_on_ipv6_loopback_too(port: int) -> None:
    assert answer(port, upgrade(port, Host=f"[::1]:{port}"), "::1").startswith(b"HTTP/1.1 101 ")


def test_it_listens_on_no_other_address(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Nothing is sent: this only asks which of our addresses would be used.
        probe.connect(("192.0.2.99", 9))
        outside = probe.getsockname()[0]
    assert not outside.startswith("127.")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((outside, port), timeout=5)


# After the upgrade.


@pytest.mark.parametrize("frames", STRANGERS.values(), ids=STRANGERS.keys())
async def test_strangers_are_closed_alike(port: int, frames: tuple[str | bytes, ...]) -> None:
    assert await closed_with(port, *frames) == (4403, "")


async def test_the_key_of_the_command_line_is_of_no_use_to_a_browser(running_daemon: RunningDaemon) -> None:
    access = read_local(running_daemon.state)
    assert access is not None
    credential = Credential(access.client, bytes.fromhex(access.key))
    with pytest.raises(NoDaemonError):
        await DaemonClient.open(running_daemon.port, credential, origin=CHROMIUM_ORIGIN)
    async with await DaemonClient.open(running_daemon.port, credential):
        pass


async def test_strangers_keep_nobody_out(port: int, running_daemon: RunningDaemon) -> None:
    """A thousand connect and say nothing, or half a request: we come in at once, and their time runs out."""
    connections = []
    try:
        for number in range(1000):
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            connections.append(connection)
            if number % 2:
                connection.sendall(b"GET /v1 HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        async with asyncio.timeout(5):
            client = await DaemonClient.open_local(running_daemon.state)
        async with client:
            await asyncio.sleep(STRANGER_SECONDS + 1)
            assert sum(_is_open(connection) for connection in connections) == 0
            assert (await client.status()).uptime > 0, "who has proved themselves stays"
    finally:
        for connection in connections:
            connection.close()


async def test_a_handshake_is_pushed_out_by_no_crowd(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """More strangers than there is room for come while we shake hands, each as far in as one gets without a key."""
    monkeypatch.setattr("daemon.front.descriptors.MOST_STRANGERS", FEWEST_STRANGERS)
    server = await start_server(odd_workers.echo)
    greeted = upgrade(server.port) + client_frame(1, (HELLO % "null").encode())
    connections: list[socket.socket] = []

    def crowd() -> None:
        for _ in range(FEWEST_STRANGERS * 2 // 3):
            connections.append(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            connections[-1].sendall(greeted)
            assert connections[-1].recv(1) == b"H", "they are let as far as that"

    access = server.access
    handshake = ClientHandshake(f"127.0.0.1:{server.port}", Credential(access.client, bytes.fromhex(access.key)))
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(upgrade(server.port, Origin=LOCAL_ORIGIN))
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.to_thread(crowd)
        writer.write(client_frame(1, encode(handshake.hello()).encode()))
        proof = handshake.receive(decode_from_daemon(await _text(reader)))
        assert proof is not None
        await asyncio.to_thread(crowd)
        assert not _is_open(connections[0]), "some had to go"
        writer.write(client_frame(1, encode(proof).encode()))
        handshake.receive(decode_from_daemon(await _text(reader)))
        assert handshake.welcome is not None
        writer.close()
        await writer.wait_closed()
    finally:
        for connection in connections:
            connection.close()


async def test_sixty_strangers_hold_next_to_nothing(running_daemon: RunningDaemon) -> None:
    """Each sends four megabytes of something that does not end."""
    front = psutil.Process(running_daemon.pid)
    opening = upgrade(running_daemon.port)
    endless = client_frame(1, bytes(4 * 1024 * 1024 - 1024), end=False)
    before = front.memory_info().rss

    def send(data: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", running_daemon.port), timeout=10)
        with contextlib.suppress(OSError):
            connection.sendall(data)
        return connection

    sent = (
        opening + endless,
        opening + client_frame(1, (HELLO % "null").encode()) + endless,
        b"GET /v1 HTTP/1.1\r\nX: " + endless,
    )
    connections = await asyncio.gather(*(asyncio.to_thread(send, sent[number % 3]) for number in range(60)))
    grown = front.memory_info().rss - before
    for connection in connections:
        connection.close()
    assert grown < 8 * 1024 * 1024


async def test_what_a_proved_client_sends_at_once_is_heard(running_daemon: RunningDaemon) -> None:
    """Its first message may come in one piece with its proof: it goes over to whoever reads what follows."""
    access = read_local(running_daemon.state)
    assert access is not None
    handshake = ClientHandshake(f"127.0.0.1:{running_daemon.port}", Credential(access.client, bytes.fromhex(access.key)))
    reader, writer = await asyncio.open_connection("127.0.0.1", running_daemon.port)
    writer.write(upgrade(running_daemon.port, Origin=LOCAL_ORIGIN) + client_frame(1, encode(handshake.hello()).encode()))
    await reader.readuntil(b"\r\n\r\n")
    proof = handshake.receive(decode_from_daemon(await _text(reader)))
    assert proof is not None
    writer.write(client_frame(1, encode(proof).encode()) + client_frame(1, b'{"type":"status"}'))
    handshake.receive(decode_from_daemon(await _text(reader)))
    assert handshake.welcome is not None
    assert b'"type":"state"' in await _text(reader)
    writer.close()
    await writer.wait_closed()


async def _text(reader: asyncio.StreamReader) -> bytes:
    first, size = await reader.readexactly(2)
    assert first == 0x81
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big") if size == 126 else size)


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


async def test_a_handshake_that_stops_half_way_is_ended(port: int) -> None:
    assert await closed_with(port, HELLO % "null") == (4403, "")


async def test_a_socket_that_talks_nonsense_for_long_is_closed(client: DaemonClient) -> None:
    connection = client._connection
    for _ in range(25):
        try:
            await connection.send('{"type":"shutdown"}')
        except Exception:
            break
    async with asyncio.timeout(10):
        await connection.wait_closed()
    assert connection.close_code == 1002
