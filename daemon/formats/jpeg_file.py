"""The segments of a JPEG: what its decoder needs, its orientation, and whether all of its pixels are there."""

import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from daemon.formats.containers import Facts
from daemon.wire.errors import CloakroomError

START: Final = b"\xff\xd8"
END: Final = b"\xff\xd9"
SOS, EOI = 0xDA, 0xD9
FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})
COMMENT: Final = 0xFE
LONE: Final = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
"""Markers without a length, and what is none."""

_SCAN_END: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")

_NEEDED: Final = {0xE0: (b"JFIF\0",), 0xE2: (b"ICC_PROFILE\0",), 0xEE: (b"Adobe",)}
"""Application segments that change what a decoder makes of the pixels, by their first bytes."""

EXIF: Final = b"Exif\0\0"

_GAIN_MAP_SEGMENTS: Final = (b"http://ns.adobe.com/hdr-gain-map/1.0/", b"urn:iso:std:iso:ts:21496:-1")
"""Names that the primary picture's own segments hold: Ultra HDR, ISO 21496-1."""
_GAIN_MAP_BEHIND: Final = (*_GAIN_MAP_SEGMENTS, b"http://ns.apple.com/HDRGainMap/1.0/", b"aux:hdrgainmap")
"""Names that a second picture behind the primary one holds: the same, and Apple's."""

GAIN_MAP: Final = "The HDR part of the photo (its gain map) was left out: what goes out is the picture that every screen shows."

BEHIND: Final = (bytes(64), b"\xff\x00" * 64)
"""Two endings that replace a missing one. They differ in their first bit, so pixels that hang on what is missing
come out different."""


class Segment(NamedTuple):
    """A marker and the bytes ``data[start:end]`` that belong to it; to a scan's belong its pixels."""

    marker: int
    start: int
    end: int


def segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments of the first picture, up to its end marker or the end of the file."""
    position = 2
    while True:
        position = data.find(b"\xff", position)
        if position < 0 or position + 2 > len(data):
            return
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker in LONE:
            position += 2
            continue
        if marker == EOI:
            yield Segment(marker, position, position + 2)
            return
        if position + 4 > len(data):
            return
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4])
        if end < position + 4 or end > len(data):
            return
        if marker == SOS:
            found = _SCAN_END.search(data, end)
            end = found.start() if found else len(data)
        yield Segment(marker, position, end)
        position = end


def facts(data: bytes) -> Facts:
    """Return the facts of the segments, and the file for a decoder: the first picture with only what it needs.

    Browsers also show a JPEG without an end marker. Its ``doubts`` are the same picture with another end: where the two are
    decoded alike, every pixel was in the file. (Progressive drawing leaves the last rows of such a file out in Chromium and
    Firefox; they are in the file, and are cloaked.)

    Raises:
        CloakroomError: truncated.
    """
    kept, exif, has_gain_map = [START], None, False
    layers: dict[int, set[int]] = {}
    end = None
    for marker, start, stop in segments(data):
        body = data[start + 4 : stop]
        if marker == EOI:
            end = stop
        elif marker == 0xE1 and body.startswith(EXIF):
            exif = exif or body[len(EXIF) :]
        elif 0xE0 <= marker <= 0xEF or marker == COMMENT:
            has_gain_map |= any(name in body for name in _GAIN_MAP_SEGMENTS)
            if body.startswith(_NEEDED.get(marker, ())):
                kept.append(data[start:stop])
            continue
        else:
            kept.append(data[start:stop])
            if marker in FRAMES and len(body) >= 6 + 3 * body[5]:
                layers |= {body[6 + 3 * number]: set(range(64)) for number in range(body[5])}
            elif marker == SOS:
                _finish(layers, body)
    if end is not None:
        behind = data[end:]
        has_gain_map |= any(name in behind for name in _GAIN_MAP_BEHIND)
        return Facts(b"".join([*kept, END]), exif=exif, notes=(GAIN_MAP,) * has_gain_map)
    if not layers or any(layers.values()):
        raise CloakroomError("truncated")
    picture = b"".join(kept).rstrip(b"\xff")
    whole, doubts = (picture + ending + END for ending in BEHIND)
    return Facts(whole, exif=exif, doubts=doubts, notes=(GAIN_MAP,) * has_gain_map)


def _finish(missing: dict[int, set[int]], scan: bytes) -> None:
    """Take from what is missing, by component, the coefficients that a scan brings to their last bit."""
    count = scan[0] if scan else 0
    if len(scan) < 4 + 2 * count:
        return
    first, last, bits = struct.unpack_from("BBB", scan, 1 + 2 * count)
    if bits & 0x0F == 0:
        for number in range(count):
            missing.get(scan[1 + 2 * number], set()).difference_update(range(first, last + 1))
