"""The worker's pipe, over HTTP: the same messages, each behind its length, a photo behind the message that it belongs to."""

import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import msgspec

from daemon.wire.pipe import MAX_BODY, MAX_HEADER, Beat, Done, Failed, Ready, Step
from daemon.wire.protocol import LIMITS, PolicyRequest

_LENGTH: Final = struct.Struct(">I")
MAX_REQUEST: Final = LIMITS.bytes + MAX_HEADER
PIECE: Final = 1024 * 1024
"""Bytes that are sent at once."""


class PhotoRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The header before a photo. It has neither the photo's name nor its owner: nobody there needs to know."""

    policy: PolicyRequest
    channel: str | None


class Lost(msgspec.Struct, tag_field="say", tag="lost"):
    """The worker behind it died, with the job."""


Said = Ready | Beat | Step | Done | Failed | Lost


def pack(message: Said | PhotoRequest, body: bytes = b"") -> bytes:
    encoded = msgspec.json.encode(message)
    return _LENGTH.pack(len(encoded)) + encoded + body


def unpack_request(data: bytes) -> tuple[PhotoRequest, bytes]:
    """Return the header and the photo.

    Raises:
        msgspec.DecodeError: it is no such request.
    """
    if len(data) < _LENGTH.size:
        raise msgspec.DecodeError("too short")
    end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    return msgspec.json.decode(data[_LENGTH.size : end], type=PhotoRequest), data[end:]


async def messages(read_exactly: Callable[[int], Awaitable[bytes]]) -> AsyncIterator[tuple[Said, bytes]]:
    """Everything that is said, until it ends.

    Raises:
        msgspec.DecodeError: it talks nonsense, or too much.
        whatever ``read_exactly`` raises where it ends.
    """
    while True:
        length = _LENGTH.unpack(await read_exactly(_LENGTH.size))[0]
        if length > MAX_HEADER:
            raise msgspec.DecodeError("too long")
        said: Said = msgspec.json.decode(await read_exactly(length), type=Said)
        body = b""
        if isinstance(said, Done):
            if not 0 < said.size <= MAX_BODY:
                raise msgspec.DecodeError("no such size")
            body = await read_exactly(said.size)
        yield said, body
