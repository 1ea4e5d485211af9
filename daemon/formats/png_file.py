"""The chunks of a PNG: what its decoder needs, what its numbers mean, and whether all of its pixels are there."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from daemon.formats.containers import PNG, Facts
from daemon.wire.errors import CloakroomError
from daemon.wire.protocol import LIMITS

COLOUR: Final = {b"gAMA": 4, b"cHRM": 32, b"cICP": 4, b"sRGB": 1}
"""Chunks that say what the numbers mean, and their lengths."""

CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""By colour type."""

PASSES: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""The passes of an interlaced picture: first column and row, and the steps between them (PNG, section 8.2)."""

LARGEST_PROFILE: Final = 32 * 1024 * 1024
"""Bytes that a profile may unpack to. Real ones have up to a few mebibytes."""

READ: Final = 64 * 1024
PIECE: Final = 1024 * 1024
"""Bytes that are read and unpacked at a time, to see whether all of the pixels are there."""


class Chunk(NamedTuple):
    """A chunk; ``good`` says whether its checksum is right, and is None where the file ends before it."""

    name: bytes
    body: bytes
    good: bool | None


def chunks(data: bytes) -> Iterator[Chunk]:
    """Up to IEND, or as far as the file goes: of the last one, what there is."""
    position = len(PNG)
    while position + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        body = data[position + 8 : end]
        stated = data[end : end + 4]
        good = zlib.crc32(name + body) == int.from_bytes(stated) if len(stated) == 4 else None
        yield Chunk(name, body, good)
        if name == b"IEND":
            return
        position = end + 4


def packed(name: bytes, body: bytes) -> bytes:
    """A chunk as it stands in a file."""
    return struct.pack(">I4s", len(body), name) + body + struct.pack(">I", zlib.crc32(name + body))


def facts(data: bytes) -> Facts:
    """Return the facts of the chunks, and the file for a decoder: pixels, palette and transparency, checksums mended.

    As browsers do it: what is not needed for the pixels is passed over where its checksum is wrong, and IEND need not be there.

    Raises:
        CloakroomError: animated, truncated, too-many-pixels.
    """
    header: bytes | None = None
    needed: dict[bytes, bytes] = {}
    ancillary: dict[bytes, bytes] = {}
    pixels: list[bytes] = []
    damaged = is_other_picture = False
    for name, body, good in chunks(data):
        if header is None:
            if name != b"IHDR" or len(body) != 13 or not good:
                raise CloakroomError("truncated")
            header = body
        elif name == b"IDAT":
            pixels.append(body)
            damaged |= good is False
        elif name == b"PLTE":
            if not good:
                raise CloakroomError("truncated")
            needed.setdefault(name, body)
        elif good and not pixels:
            # What follows the pixels says nothing of them any more: so browsers take an orientation there.
            ancillary.setdefault(name, body)
    if header is None or not pixels:
        raise CloakroomError("truncated")
    animation = ancillary.get(b"acTL", b"")
    if len(animation) == 8:
        # Where the first picture is no frame, browsers show the frame, not the picture.
        is_other_picture = b"fcTL" not in ancillary
        if is_other_picture or int.from_bytes(animation[:4]) > 1:
            raise CloakroomError("animated")
    if b"tRNS" in ancillary:
        needed[b"tRNS"] = ancillary[b"tRNS"]
    body = _whole(pixels, _raw_length(header), damaged)
    order = [(b"IHDR", header), *((name, needed[name]) for name in (b"PLTE", b"tRNS") if name in needed)]
    return Facts(
        PNG + b"".join(packed(*chunk) for chunk in (*order, (b"IDAT", body), (b"IEND", b""))),
        depth=header[8],
        lossless=True,
        colour=tuple((name, ancillary[name]) for name, length in COLOUR.items() if len(ancillary.get(name, b"")) == length),
        profile=_profile(ancillary.get(b"iCCP")),
        exif=ancillary.get(b"eXIf"),
    )


def _raw_length(header: bytes) -> int:
    """Bytes that the pixels unpack to, with the filter byte of each row."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if width * height > LIMITS.pixels:
        raise CloakroomError("too-many-pixels")
    if not width * height or colour not in CHANNELS or depth not in (1, 2, 4, 8, 16):
        raise CloakroomError("truncated")
    bits = depth * CHANNELS[colour]
    passes = [(width, height)]
    if interlaced:
        passes = [(-(-(width - left) // across), -(-(height - top) // down)) for left, top, across, down in PASSES]
    return sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in passes if columns > 0 and rows > 0)


def _whole(pieces: Sequence[bytes], length: int, damaged: bool) -> bytes:
    """The packed pixels with a right checksum of their own at the end.

    Args:
        length: bytes that they have to unpack to.
        damaged: whether the checksum of a chunk was wrong; then their own has to be right.

    Raises:
        CloakroomError: truncated, where some are missing or changed.
    """
    stream = b"".join(pieces)
    if len(stream) < 2 or stream[0] & 0x0F != 8 or stream[1] & 0x20:
        raise CloakroomError("truncated")
    found, checksum, end = _unpacked(stream, length)
    if found < length or (damaged and stream[end : end + 4] != checksum.to_bytes(4)):
        raise CloakroomError("truncated")
    return stream[:end] + checksum.to_bytes(4) if end < len(stream) or found == length else stream


def _unpacked(stream: bytes, length: int) -> tuple[int, int, int]:
    """How many bytes the stream unpacks to (a piece more than ``length`` at most), their checksum, and where its data ends.

    Raises:
        CloakroomError: truncated, where it is damaged.
    """
    # Without zlib's head and tail, because a wrong or missing checksum would hide what was unpacked.
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    found, checksum = 0, 1
    try:
        for start in range(2, len(stream), READ):
            waiting, piece = stream[start : start + READ], b"-"
            while (waiting or piece) and not unpacking.eof and found <= length:
                piece = unpacking.decompress(waiting, PIECE)
                waiting = unpacking.unconsumed_tail
                checksum = zlib.adler32(piece, checksum)
                found += len(piece)
            if unpacking.eof:
                return found, checksum, min(start + READ, len(stream)) - len(unpacking.unused_data)
    except zlib.error:
        raise CloakroomError("truncated") from None
    return found, checksum, len(stream)


def _profile(chunk: bytes | None) -> bytes | None:
    """Unpacked; None where there is none, or it is damaged: browsers pass over it then."""
    name, _, packed_profile = (chunk or b"").partition(b"\0")
    if not name or packed_profile[:1] != b"\0":
        return None
    unpacking = zlib.decompressobj()
    try:
        profile = unpacking.decompress(packed_profile[1:], LARGEST_PROFILE)
    except zlib.error:
        return None
    return profile if unpacking.eof else None
