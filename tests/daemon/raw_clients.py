"""Whoever knocks at the daemon and does not belong there, as bytes on the wire."""

import asyncio
import base64
import os
import socket
from collections.abc import Callable

from aiohttp import ClientSession, WSMsgType

from daemon.front.pairing import CHROMIUM_ORIGIN

FIREFOX_ORIGIN = "moz-extension://01234567-89ab-cdef-0123-456789abcdef"
ANSWER_SECONDS = 15.0


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


def client_frame(opcode: int, data: bytes, *, end: bool = True) -> bytes:
    """A websocket frame as a client sends it; without its end it announces one byte more than there are."""
    size = len(data) + (not end)
    if size < 126:
        length = bytes([0x80 | size])
    else:
        length = b"\xfe" + size.to_bytes(2, "big") if size <= 0xFFFF else b"\xff" + size.to_bytes(8, "big")
    # A mask of zeros masks nothing.
    return bytes([0x80 | opcode]) + length + bytes(4) + data


def with_another(request: bytes, header: str) -> bytes:
    """The same request with one more header."""
    return request.replace(b"Connection:", f"{header}\r\nConnection:".encode())


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


REFUSED: dict[str, dict[str, str | None]] = {
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
OTHER_PATHS = ("/", "/v1/", "/v2", "/v1?key=1", "//v1", "/%761", "/favicon.ico")
OTHER_METHODS = ("POST", "OPTIONS", "PUT", "DELETE", "TRACE")
TWICE = {"two hosts": "Host: evil.example", "two origins": "Origin: https://evil.example"}

MALFORMED: dict[str, Callable[[bytes], bytes]] = {
    "no host": lambda head: head.replace(b"Host:", b"X-Host:"),
    "an empty host": lambda head: head.replace(b"Host: 127.0.0.1", b"Host: \r\nX: "),
    "two hosts": lambda head: head.replace(b"Connection:", b"Host: evil.example\r\nConnection:"),
    "the host twice": lambda head: head.replace(b"\r\nConnection:", b"\r\n" + head.split(b"\r\n")[1] + b"\r\nConnection:"),
    "a host with a space": lambda head: head.replace(b"Host: 127", b"Host: 127 "),
    "a host with a user": lambda head: head.replace(b"Host: ", b"Host: a@"),
    "a host with a path": lambda head: head.replace(b"\r\nConnection:", b"/x\r\nConnection:"),
    "a host with a zero byte": lambda head: head.replace(b"Host: 127", b"Host: \x00127"),
    "a host with an escape": lambda head: head.replace(b"Host: ", b"Host: \x1b[31m"),
    "a host with a bare line feed": lambda head: head.replace(b"Host: ", b"Host: \n"),
    "a folded host": lambda head: head.replace(b"Host: ", b"Host:\r\n "),
    "a space before the colon": lambda head: head.replace(b"Host:", b"Host :"),
    "a name without a colon": lambda head: head.replace(b"Connection:", b"Nonsense\r\nConnection:"),
    "a bare carriage return": lambda head: head.replace(b"Origin: ", b"Origin: \r"),
    "another version of HTTP": lambda head: head.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "a version that is none": lambda head: head.replace(b"HTTP/1.1", b"HTTP/9.9"),
    "no version": lambda head: head.replace(b" HTTP/1.1", b""),
    "a method that is none": lambda head: head.replace(b"GET ", b"G\x00T "),
    "no method": lambda head: head.replace(b"GET ", b" "),
    "a target with a space": lambda head: head.replace(b"/v1", b"/v1 x"),
    "a target with an escape": lambda head: head.replace(b"/v1", b"/v1\x1b"),
    "a long target": lambda head: head.replace(b"/v1", b"/" + b"x" * 10_000),
    "a long host": lambda head: head.replace(b"Host: ", b"Host: " + b"x" * 10_000),
    "a head without an end": lambda head: head.replace(b"Origin:", b"X: " + b"x" * 40_000 + b"\r\nOrigin:"),
    "many fields": lambda head: head.replace(b"Origin:", b"X: y\r\n" * 500 + b"Origin:"),
    "a body": lambda head: head.replace(b"Origin:", b"Content-Length: 5\r\nOrigin:") + b"hello",
    "a body of unsaid length": lambda head: head.replace(b"Origin:", b"Transfer-Encoding: chunked\r\nOrigin:") + b"0\r\n\r\n",
    "two lengths": lambda head: head.replace(b"Origin:", b"Content-Length: 0\r\nContent-Length: 0\r\nOrigin:"),
    "a length that is none": lambda head: head.replace(b"Origin:", b"Content-Length: -1\r\nOrigin:"),
    "TLS": lambda _: bytes.fromhex("1603010200010001fc0303") + bytes(1000) + b"\r\n\r\n",
    "HTTP/2": lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no request at all": lambda _: b"\r\n\r\n",
}
"""Malformed requests that a server's parser would answer itself, made of one that would be let in."""

# After the upgrade.

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


async def heard_by(
    port: int, *frames: str | bytes, origin: str = CHROMIUM_ORIGIN
) -> tuple[list[str], tuple[int | None, str | None]]:
    """The texts that the daemon answers these frames with, and the code and reason that it closes with."""
    texts: list[str] = []
    async with (
        ClientSession() as session,
        session.ws_connect(
            f"ws://127.0.0.1:{port}/v1", origin=origin, protocols=("cloakroom.v1",), autoclose=False, max_msg_size=0
        ) as opened,
    ):
        try:
            for frame in frames:
                await (opened.send_str(frame) if isinstance(frame, str) else opened.send_bytes(frame))
        except ConnectionError:
            # Closed before it was all said; why is in what was sent back.
            await asyncio.sleep(0)
        while True:
            received = await opened.receive(timeout=ANSWER_SECONDS)
            if received.type is not WSMsgType.TEXT:
                ended = (received.data, received.extra) if received.type is WSMsgType.CLOSE else (None, None)
                return texts, ended
            texts.append(received.data)


async def closed_with(port: int, *frames: str | bytes) -> tuple[int | None, str | None]:
    """The close code and reason that follow these frames."""
    return (await heard_by(port, *frames))[1]
