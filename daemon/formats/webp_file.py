"""The chunks of a WebP: how it is encoded, and whether it moves."""

import struct

from daemon.formats.containers import Facts
from daemon.wire.errors import CloakroomError

FRAME_HEAD = 16
"""Bytes of a frame before its own chunks."""

HAS_ALPHA = 0x10
FLAGS_AT = 20


def facts(data: bytes) -> Facts:
    """Return the facts of the chunks. An animation of one frame is a photo, as browsers show it.

    Neither Chromium 156 nor Firefox 153 follows the orientation in a WebP's EXIF, so it is not read.

    Raises:
        CloakroomError: animated, truncated.
    """
    end = 8 + struct.unpack("<I", data[4:8])[0]
    if end > len(data):
        raise CloakroomError("truncated")
    position, lossless, frames = 12, False, 0
    while position + 8 <= end:
        name, length = struct.unpack("<4sI", data[position : position + 8])
        if name == b"ANMF":
            frames += 1
            lossless = lossless or data[position + 8 + FRAME_HEAD : position + 12 + FRAME_HEAD] == b"VP8L"
        lossless = lossless or name == b"VP8L"
        position += 8 + length + (length & 1)
    if frames > 1:
        raise CloakroomError("animated")
    if frames and data[12:16] == b"VP8X":
        # What a small frame leaves of its canvas is transparent, also where the file does not say so.
        data = data[:FLAGS_AT] + bytes([data[FLAGS_AT] | HAS_ALPHA]) + data[FLAGS_AT + 1 :]
    return Facts(data, lossless=lossless)
