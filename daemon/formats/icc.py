"""Colour profiles, built anew: the numbers that make the colours, and nothing that names a device, a maker or a time.

Source: ICC.1:2022, sections 7.2 (header), 9.2 (tags), 10 (types).
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

HEADER: Final = 128
ENTRY: Final = 12
"""Bytes of an entry of the tag table: name, place, length."""

MOST_TAGS: Final = 100
MOST_POINTS: Final = 4096
"""Most points of a tone curve. Real curves have no more, and more room could hide other data."""

PARAMETERS: Final = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
"""Numbers of a parametric curve, by its kind."""

TABLES: Final = frozenset({b"A2B0", b"A2B1", b"A2B2", b"D2B0", b"D2B1", b"D2B2", b"D2B3"})
"""Lookup tables, which count for more than primaries and curves."""

WHITE: Final = struct.pack(">iii", 63190, 65536, 54061)
"""D50, in which profiles are connected."""


@dataclass(frozen=True)
class Profile:
    """An ICC profile: its bytes, cut to the length that it states, and its colour space ("RGB", "CMYK", "GRAY"…)."""

    data: bytes
    space: str

    @classmethod
    def of(cls, data: object) -> Self | None:
        """None unless it looks like a profile: the slot is a place to hide other things in."""
        if not isinstance(data, bytes) or len(data) < HEADER + 4 or data[36:40] != b"acsp":
            return None
        length = struct.unpack(">I", data[:4])[0]
        if not HEADER + 4 <= length <= len(data):
            return None
        return cls(data[:length], data[16:20].decode("latin-1").rstrip())

    def tags(self) -> dict[bytes, bytes]:
        """The bodies of the tags, by name; those that lie outside of the profile are left out."""
        (count,) = struct.unpack_from(">I", self.data, HEADER)
        found: dict[bytes, bytes] = {}
        for number in range(min(count, MOST_TAGS)):
            place = HEADER + 4 + ENTRY * number
            if place + ENTRY > len(self.data):
                break
            name, start, length = struct.unpack_from(">4sII", self.data, place)
            if start + length <= len(self.data):
                found.setdefault(name, self.data[start : start + length])
        return found


def rebuilt(profile: Profile) -> bytes | None:
    """A profile of the same colours for RGB, from its primaries, tone curves and white alone.

    Returns:
        None where it is not made of these: it has lookup tables, or something is missing, damaged or of an unknown kind.
    """
    tags = profile.tags()
    if profile.space != "RGB" or profile.data[20:24] != b"XYZ " or TABLES & tags.keys():
        return None
    version = profile.data[8]
    if version not in (2, 4):
        return None
    made: dict[bytes, bytes] = {}
    for name, read in _COLOURS.items():
        body = read(tags.get(name, b""))
        if body is not None:
            made[name] = body
        elif name in _NEEDED or name in tags:
            return None
    text = _text_2 if version == 2 else _text_4
    made |= {b"desc": text(b"desc", "RGB"), b"cprt": text(b"text", "-")}
    return _packed(made, version, intent=struct.unpack_from(">I", profile.data, 64)[0] & 3)


def _packed(tags: dict[bytes, bytes], version: int, intent: int) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = HEADER + 4 + ENTRY * len(tags)
    places: dict[bytes, int] = {}
    for name, data in tags.items():
        # Equal curves are kept once, as profiles usually do.
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, places[data], len(data))
    size = HEADER + len(table) + len(body)
    # Version 2.4 or 4.4; no maker, date, model or identifier.
    header = struct.pack(">I4sBBH4s4s4s", size, b"", version, 0x40, 0, b"mntr", b"RGB ", b"XYZ ") + bytes(12) + b"acsp"
    header += bytes(24) + struct.pack(">I", intent) + WHITE
    return header.ljust(HEADER, b"\0") + table + body


def _xyz(body: bytes) -> bytes | None:
    return body[:20] if len(body) >= 20 and body[:4] == b"XYZ " else None


def _adaptation(body: bytes) -> bytes | None:
    return body[:44] if len(body) >= 44 and body[:4] == b"sf32" else None


def _code_points(body: bytes) -> bytes | None:
    return body[:12] if len(body) >= 12 and body[:4] == b"cicp" else None


def _curve(body: bytes) -> bytes | None:
    if len(body) < 12:
        return None
    if body[:4] == b"curv":
        (points,) = struct.unpack_from(">I", body, 8)
        length = 12 + 2 * points
        head = body[:4] + bytes(4) + body[8:12]
        return head + body[12:length] if points <= MOST_POINTS and len(body) >= length else None
    if body[:4] == b"para":
        (kind,) = struct.unpack_from(">H", body, 8)
        length = 12 + 4 * PARAMETERS.get(kind, 0)
        head = body[:4] + bytes(4) + body[8:10] + bytes(2)
        return head + body[12:length] if kind in PARAMETERS and len(body) >= length else None
    return None


_COLOURS: Final[dict[bytes, Callable[[bytes], bytes | None]]] = {
    **dict.fromkeys((b"rXYZ", b"gXYZ", b"bXYZ"), _xyz),
    **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve),
    b"wtpt": _xyz,
    b"chad": _adaptation,
    b"cicp": _code_points,
}
"""The tags that make colours, and what reads of each no more than what its type says."""

_NEEDED: Final = frozenset({b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"})


def _text_2(kind: bytes, words: str) -> bytes:
    text = words.encode("ascii") + b"\0"
    if kind == b"text":
        return kind + bytes(4) + text
    return kind + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)


def _text_4(_: bytes, words: str) -> bytes:
    text = words.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(text), 28) + text
