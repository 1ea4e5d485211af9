"""Handshakes that must not succeed, against a real daemon. Each says whether it was let in."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterator

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin, Subprotocol

from daemon.client import DaemonClient, NoDaemonError
from daemon.front.pairing import CHROMIUM_ORIGIN
from daemon.state.folder import read_local
from daemon.wire.handshake import Credential, new_code, prove
from daemon.wire.protocol import LOCAL_ORIGIN, VERSION
from tests.benchmarks.daemon.process import Place
from tests.daemon.raw_clients import (
    HELLO,
    OTHER_METHODS,
    OTHER_PATHS,
    REFUSED,
    STRANGERS,
    TWICE,
    answer,
    heard_by,
    upgrade,
    with_another,
)

Case = Callable[[Place], Awaitable[bool]]

GUESSES = 10_000
GUESSERS = 32
HALF_OPEN = 1000
NONCE = "b" * 64


def cases() -> Iterator[tuple[str, Case]]:
    """By name."""
    for name, changed in REFUSED.items():
        yield name, _asks(**changed)
    for path in OTHER_PATHS:
        yield f"path {path}", _asks(path=path)
    for method in OTHER_METHODS:
        yield f"method {method}", _asks(method=method)
    for name, header in TWICE.items():
        yield name, _asks_twice(header)
    for name, frames in STRANGERS.items():
        yield name, _says(*frames)
    yield from OTHERS.items()


def _asks(**changed: str | None) -> Case:
    async def ask(daemon: Place) -> bool:
        request = upgrade(daemon.port, **changed)  # type: ignore[arg-type]
        return (await asyncio.to_thread(answer, daemon.port, request)).startswith(b"HTTP/1.1 101")

    return ask


def _asks_twice(header: str) -> Case:
    async def ask(daemon: Place) -> bool:
        request = with_another(upgrade(daemon.port), header)
        return (await asyncio.to_thread(answer, daemon.port, request)).startswith(b"HTTP/1.1 101")

    return ask


def _says(*frames: str | bytes) -> Case:
    async def say(daemon: Place) -> bool:
        texts, _ = await heard_by(daemon.port, *frames)
        return _is_in(texts)

    return say


def _is_in(texts: list[str]) -> bool:
    return any(json.loads(text)["type"] in ("welcome", "paired") for text in texts)


def _local(daemon: Place) -> Credential:
    access = read_local(daemon.state)
    assert access is not None
    return Credential(access.client, bytes.fromhex(access.key))


async def _opens(daemon: Place, credential: Credential | None, *, origin: str, code: str = "") -> bool:
    try:
        client = await DaemonClient.open(daemon.port, credential, origin=origin, code=code)
    except NoDaemonError:
        return False
    await client.close()
    return True


def _as_the_command_line(daemon: Place) -> connect:
    url = f"ws://127.0.0.1:{daemon.port}/v1"
    return connect(url, origin=Origin(LOCAL_ORIGIN), subprotocols=[Subprotocol(VERSION)], compression=None)


async def _converse(daemon: Place, key: bytes, *, host: str, side: str = "client") -> bool:
    """A handshake with the true key of the command line whose proof is for something else."""
    local = _local(daemon).client
    async with _as_the_command_line(daemon) as opened:
        await opened.send(json.dumps({"type": "hello", "version": "cloakroom.v1", "client": local, "nonce": NONCE}))
        nonce = json.loads(await opened.recv())["nonce"]
        proof = prove(key, "daemon" if side == "daemon" else "client", nonce, NONCE, host)
        await opened.send(json.dumps({"type": "proof", "client": local, "proof": proof}))
        try:
            return _is_in([str(await opened.recv())])
        except ConnectionClosed:
            return False


async def replayed(daemon: Place) -> bool:
    """A proof that was right once, with all that was said then."""
    said: list[str] = []
    local = _local(daemon)
    hello = json.dumps({"type": "hello", "version": "cloakroom.v1", "client": local.client, "nonce": NONCE})
    async with _as_the_command_line(daemon) as opened:
        await opened.send(hello)
        nonce = json.loads(await opened.recv())["nonce"]
        proof = prove(local.key, "client", nonce, NONCE, f"127.0.0.1:{daemon.port}")
        said = [hello, json.dumps({"type": "proof", "client": local.client, "proof": proof})]
        await opened.send(said[1])
        if not _is_in([str(await opened.recv())]):
            raise RuntimeError("the true proof was refused: a replay of it would say nothing")
    texts, _ = await heard_by(daemon.port, *said, origin=LOCAL_ORIGIN)
    return _is_in(texts)


async def reflected(daemon: Place) -> bool:
    """Return the proof that the daemon itself would send."""
    return await _converse(daemon, _local(daemon).key, host=f"127.0.0.1:{daemon.port}", side="daemon")


async def for_another_port(daemon: Place) -> bool:
    """A proof that a listener on another port was given."""
    return await _converse(daemon, _local(daemon).key, host="127.0.0.1:1")


async def almost_the_key(daemon: Place) -> bool:
    """One bit off."""
    key = _local(daemon).key
    return await _converse(daemon, bytes([key[0] ^ 1]) + key[1:], host=f"127.0.0.1:{daemon.port}")


async def the_command_lines_key(daemon: Place) -> bool:
    """From a browser."""
    return await _opens(daemon, _local(daemon), origin=CHROMIUM_ORIGIN)


async def guesses(daemon: Place) -> bool:
    """Ten thousand codes, while one waits to be used; and then the right one, which those have spent."""
    async with await daemon.client() as person:
        code = (await person.open_pairing()).code
        left = iter(range(GUESSES))
        let_in = []

        async def guess() -> None:
            for _ in left:
                if await _opens(daemon, None, origin=CHROMIUM_ORIGIN, code=new_code()):
                    let_in.append(True)

        await asyncio.gather(*(guess() for _ in range(GUESSERS)))
    return bool(let_in) or await _opens(daemon, None, origin=CHROMIUM_ORIGIN, code=code)


async def a_code_twice(daemon: Place) -> bool:
    """A code that was used."""
    async with await daemon.client() as person:
        code = (await person.open_pairing()).code
        if not await _opens(daemon, None, origin=CHROMIUM_ORIGIN, code=code):
            raise RuntimeError("the right code was refused: using it again would say nothing")
        return await _opens(daemon, None, origin=CHROMIUM_ORIGIN, code=code)


async def revoked(daemon: Place) -> bool:
    """A key that was taken back."""
    async with await daemon.client() as person:
        code = (await person.open_pairing()).code
        async with await DaemonClient.open(daemon.port, None, origin=CHROMIUM_ORIGIN, code=code) as browser:
            credential = browser.credential
        assert credential is not None
        await person.revoke(credential.client)
    return await _opens(daemon, credential, origin=CHROMIUM_ORIGIN)


async def oversize_text(daemon: Place) -> bool:
    """A hello of five megabytes."""
    texts, _ = await heard_by(daemon.port, (HELLO % "null").replace(NONCE, "b" * 5_000_000))
    return _is_in(texts)


async def oversize_bytes(daemon: Place) -> bool:
    """Thirty-two megabytes before anything was said."""
    texts, _ = await heard_by(daemon.port, bytes(32 * 1024 * 1024))
    return _is_in(texts)


def _raw(daemon: Place, *sent: bytes) -> bytes:
    """Return the bytes that come back after the upgrade and these bytes, until the daemon closes."""
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=20) as connection:
        connection.sendall(upgrade(daemon.port))
        received = b""
        try:
            while b"\r\n\r\n" not in received:
                received += connection.recv(65536)
            for block in sent:
                connection.sendall(block)
            while block := connection.recv(65536):
                received += block
        except ConnectionError:
            pass
    return received.partition(b"\r\n\r\n")[2]


def _wire(*sent: bytes) -> Case:
    async def send(daemon: Place) -> bool:
        received = await asyncio.to_thread(_raw, daemon, *sent)
        return b'"welcome"' in received or b'"paired"' in received or b'"challenge"' in received

    return send


async def half_open(daemon: Place) -> bool:
    """A thousand that say nothing, or half of something; then whoever belongs here comes in all the same."""
    connections = []
    try:
        for number in range(HALF_OPEN):
            connection = socket.create_connection(("127.0.0.1", daemon.port), timeout=10)
            connections.append(connection)
            if number % 2:
                connection.sendall(b"GET /v1 HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        async with asyncio.timeout(5):
            client = await daemon.client()
        await client.close()
    finally:
        for connection in connections:
            connection.close()
    return False


async def not_websockets(daemon: Place) -> bool:
    """Another protocol of the same library, on the same path."""
    try:
        async with connect(f"ws://127.0.0.1:{daemon.port}/v1", origin=Origin(CHROMIUM_ORIGIN), compression="deflate"):
            return True
    except InvalidHandshake:
        return False


MASK = bytes(4)
DEFLATED_HELLO = b"\xc1\xfe\x10\x00" + MASK + bytes(4096)
"""A text frame whose first reserved bit says that it is deflated, which was not agreed on."""
UNMASKED = b"\x81\x05hello"
ENDLESS = b"\x01\xff" + (2**62).to_bytes(8, "big") + MASK
"""A frame that says it is four exabytes long."""
CONTINUED = b"\x80\x85" + MASK + b"hello"
"""The end of a message that never began."""
LONG_PING = b"\x89\xfe\x10\x00" + MASK + bytes(4096)

OTHERS: dict[str, Case] = {
    "a replayed proof": replayed,
    "a reflected proof": reflected,
    "a proof for another port": for_another_port,
    "a key with one bit off": almost_the_key,
    "the command line's key in a browser": the_command_lines_key,
    "ten thousand guesses of a code": guesses,
    "a code that was used": a_code_twice,
    "a key that was revoked": revoked,
    "a text of five megabytes": oversize_text,
    "thirty-two megabytes of nothing": oversize_bytes,
    "a deflated frame": _wire(DEFLATED_HELLO),
    "a frame without its mask": _wire(UNMASKED),
    "a frame of four exabytes": _wire(ENDLESS),
    "a message without its beginning": _wire(CONTINUED),
    "a ping that is too long": _wire(LONG_PING),
    "no subprotocol, with compression": not_websockets,
    "a thousand half-open connections": half_open,
}
