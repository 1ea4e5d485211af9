"""Who may open the socket: real sockets against a real daemon. Whatever does not belong gets the very same refusal."""

import asyncio
import base64
import os
import socket

import pytest
from aiohttp import ClientSession, WSMsgType

from daemon.client import DaemonClient, NoDaemonError
from daemon.handshake import Credential
from daemon.pairing import CHROMIUM_ORIGIN, LOCAL_ORIGIN
from daemon.server import MAX_STRANGERS, STRANGER_SECONDS
from daemon.state import read_local
from tests.daemon.conftest import RunningDaemon

FIREFOX_ORIGIN = "moz-extension://01234567-89ab-cdef-0123-456789abcdef"


def upgrade(port: int, path: str = "/v1", method: str = "GET", **changed: str | None) -> bytes:
    """A websocket upgrade as a browser sends it, with some headers changed, or left out where None is given."""
    headers: dict[str, str | None] = {
        "Host": f"127.0.0.1:{port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Origin": CHROMIUM_ORIGIN,
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Protocol": "cloakroom.v1",
    }
    headers.update({name.replace("_", "-"): value for name, value in changed.items()})
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items() if value is not None)]
    return "\r\n".join([*lines, "", ""]).encode()


def answer(port: int, request: bytes, address: str = "127.0.0.1") -> bytes:
    """Everything that the daemon sends back, without the date."""
    with socket.create_connection((address, port), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            block = connection.recv(65536)
            if not block:
                break
            received += block
        if received.startswith(b"HTTP/1.1 101"):
            return received
        while block := connection.recv(65536):
            received += block
    return b"\r\n".join(line for line in received.split(b"\r\n") if not line.startswith(b"Date:"))


@pytest.fixture(scope="module")
def port(running_daemon: RunningDaemon) -> int:
    return running_daemon.port


REFUSED = {
    "a page's http origin": {"Origin": "http://127.0.0.1:8000"},
    "a site's origin": {"Origin": "https://social.example"},
    "no origin": {"Origin": None},
    "a null origin": {"Origin": "null"},
    "an empty origin": {"Origin": ""},
    "another extension": {"Origin": "chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    "our extension's origin and more": {"Origin": CHROMIUM_ORIGIN + ".evil.example"},
    "a Firefox extension while pairing is closed": {"Origin": FIREFOX_ORIGIN},
    "a rebound name as host": {"Host": "cloakroom.evil.example"},
    "localhost as host": {"Host": "localhost:1"},
    "a host without port": {"Host": "127.0.0.1"},
    "a host with another port": {"Host": "127.0.0.1:1"},
    "no subprotocol": {"Sec_WebSocket_Protocol": None},
    "another subprotocol": {"Sec_WebSocket_Protocol": "cloakroom.v0"},
    "no upgrade": {"Upgrade": None, "Connection": "close"},
    "a wrong websocket version": {"Sec_WebSocket_Version": "8"},
    "no websocket key": {"Sec_WebSocket_Key": None},
}


@pytest.mark.parametrize("changed", REFUSED.values(), ids=REFUSED.keys())
def test_refused(port: int, changed: dict[str, str | None]) -> None:
    refused = answer(port, upgrade(port, "/v1", "GET", **changed))
    assert refused.startswith(b"HTTP/1.1 403 ")
    assert refused.endswith(b"\r\n\r\n")
    assert refused == answer(port, upgrade(port, Origin="https://another.example"))
    assert b"access-control" not in refused.lower()


@pytest.mark.parametrize("path", ["/", "/v1/", "/v2", "/v1?key=1", "//v1", "/%761", "/favicon.ico"])
def test_other_paths_are_refused_alike(port: int, path: str) -> None:
    assert answer(port, upgrade(port, path=path)) == answer(port, upgrade(port, Origin="https://another.example"))


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "PUT", "DELETE", "TRACE"])
def test_other_methods_are_refused_alike(port: int, method: str) -> None:
    assert answer(port, upgrade(port, method=method)) == answer(port, upgrade(port, Origin="https://another.example"))


def test_two_hosts_are_refused(port: int) -> None:
    request = upgrade(port).replace(b"Connection:", b"Host: evil.example\r\nConnection:")
    assert not answer(port, request).startswith(b"HTTP/1.1 101")


def test_two_origins_are_refused(port: int) -> None:
    request = upgrade(port).replace(b"Connection:", b"Origin: https://evil.example\r\nConnection:")
    assert answer(port, request).startswith(b"HTTP/1.1 403 ")


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


async def closed_with(port: int, *frames: str | bytes) -> tuple[int | None, str | None]:
    """The close code and reason that follow these frames."""
    async with (
        ClientSession() as session,
        session.ws_connect(
            f"ws://127.0.0.1:{port}/v1", origin=CHROMIUM_ORIGIN, protocols=("cloakroom.v1",), autoclose=False
        ) as opened,
    ):
        for frame in frames:
            await (opened.send_str(frame) if isinstance(frame, str) else opened.send_bytes(frame))
        while True:
            received = await opened.receive(timeout=15)
            if received.type is not WSMsgType.TEXT:
                return (received.data, received.extra) if received.type is WSMsgType.CLOSE else (None, None)


HELLO = '{"type":"hello","version":"cloakroom.v1","client":%s,"nonce":"' + "b" * 64 + '"}'
PROOF = '{"type":"proof","client":"c-0123456789abcdef","proof":"' + "0" * 64 + '"}'
PAIR = '{"type":"pair","label":"Chromium","proof":"' + "0" * 64 + '"}'
STRANGERS: dict[str, tuple[str | bytes, ...]] = {
    "a wrong proof": (HELLO % '"c-0123456789abcdef"', PROOF),
    "a wrong code": (HELLO % "null", PAIR),
    "proof before hello": (PROOF,),
    "protect before hello": ('{"type":"status"}',),
    "protect after hello": (HELLO % "null", '{"type":"open-pairing"}'),
    "no JSON": ("{",),
    "bytes": (b"\x00" * 20,),
    "another version": ((HELLO % "null").replace("cloakroom.v1", "cloakroom.v9"),),
}


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
    """Of a thousand that connect and say nothing, or half a request, only the newest are there, and we come in at once."""
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
            assert sum(_is_open(connection) for connection in connections) <= MAX_STRANGERS
            await asyncio.sleep(STRANGER_SECONDS + 1)
            assert sum(_is_open(connection) for connection in connections) == 0
            assert (await client.status()).uptime > 0, "who has proved themselves stays"
    finally:
        for connection in connections:
            connection.close()


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
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
