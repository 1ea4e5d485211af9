"""A websocket's opening, and the few small frames that are exchanged until both sides are proved: without input or output.

Source: RFC 6455, sections 4.2 and 5.2. Narrower than it: before the proof a client has two short texts to send, each in one
masked frame, so nothing else is read. What comes after the proof is aiohttp's to read.
"""

import base64
import binascii
import struct
from collections.abc import Iterator
from hashlib import sha1
from typing import Final

from daemon.wire.handshake import Refused
from daemon.wire.request import Request, head_of

MAX_SAID: Final = 2048
"""Bytes of a text before the proof; the longest is a pairing whose label has 64 characters, each escaped."""

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT: Final = 0x81
"""First byte of a text frame that is a whole message, not compressed."""

_CLOSE: Final = 0x88


def is_opening(request: Request, protocol: str) -> bool:
    """Return whether a client asks for a websocket with a subprotocol."""
    return (
        request.method == "GET"
        and request.only("sec-websocket-version") == "13"
        and protocol in request.words("sec-websocket-protocol")
        and "websocket" in request.words("upgrade")
        and "upgrade" in request.words("connection")
        and _is_key(request.only("sec-websocket-key"))
    )


def _is_key(key: str | None) -> bool:
    try:
        return key is not None and len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def opened(request: Request, protocol: str) -> bytes:
    """Return the answer that opens the websocket of a request for which ``is_opening`` holds."""
    key = (request.only("sec-websocket-key") or "").encode("ascii")
    accepted = base64.b64encode(sha1(key + _GUID, usedforsecurity=False).digest()).decode("ascii")
    return head_of(
        101,
        {
            "Server": "cloakroom",
            "Upgrade": "websocket",
            "Connection": "upgrade",
            "Sec-WebSocket-Accept": accepted,
            "Sec-WebSocket-Protocol": protocol,
        },
    )


def texts(received: bytearray) -> Iterator[str]:
    """Yield the complete texts at the beginning of the received bytes, and remove them there.

    Raises:
        Refused: there is any other frame than a short, masked text.
    """
    while len(received) >= 2:
        if received[0] != _TEXT or not received[1] & 0x80:
            raise Refused
        size, begin = received[1] & 0x7F, 2
        if size == 126:
            if len(received) < 4:
                return
            size, begin = int.from_bytes(received[2:4], "big"), 4
        elif size == 127:
            # More than 65,535.
            raise Refused
        if size > MAX_SAID:
            raise Refused
        end = begin + 4 + size
        if len(received) < end:
            return
        mask, masked = received[begin : begin + 4], received[begin + 4 : end]
        del received[:end]
        try:
            yield _unmasked(masked, mask).decode("utf-8")
        except UnicodeDecodeError:
            raise Refused from None


def _unmasked(data: bytearray, mask: bytearray) -> bytes:
    repeated = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(data), "big")


def text_frame(said: str) -> bytes:
    """Return a text frame from the daemon, unmasked as RFC 6455 asks of servers."""
    data = said.encode()
    if len(data) < 126:
        size = bytes([len(data)])
    else:
        size = struct.pack(">BH", 126, len(data)) if len(data) <= 0xFFFF else struct.pack(">BQ", 127, len(data))
    return bytes([_TEXT]) + size + data


def close_frame(code: int) -> bytes:
    """Return a close frame with a code and without a reason."""
    return bytes([_CLOSE, 2]) + code.to_bytes(2, "big")
