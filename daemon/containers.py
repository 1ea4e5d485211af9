"""What kind of file it is, read from its first bytes and its chunks, before any decoder sees it.

Names and MIME types are not asked: pages and cameras get them wrong, attackers on purpose.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from daemon.errors import CloakroomError

Kind = Literal["jpeg", "png", "webp"]
MIME: Final[dict[Kind, Literal["image/jpeg", "image/png", "image/webp"]]] = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"

# Images that people do have, and that we name instead of calling them no image.
_OTHER_IMAGES: Final = (
    b"GIF87a",
    b"GIF89a",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
    b"II\xbc\x01",  # JPEG XR
    b"IIU\x00",  # raw files of cameras
    b"IIRO",
    b"II\x1a\x00\x00\x00HEAPCCDR",
    b"FUJIFILMCCD-RAW",
    b"\xff\x0a",  # JPEG XL
    b"\x00\x00\x00\x0cJXL \r\n\x87\n",
    b"\x00\x00\x00\x0cjP  \r\n\x87\n",  # JPEG 2000
    b"\xff\x4f\xff\x51",
    b"8BPS",
    b"\x00\x00\x01\x00",
    b"qoif",
    b"gimp xcf",
    b"v/1\x01",  # OpenEXR
    b"<svg",
)
_ISO_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis", b"crx ")


_ANYMAP: Final = re.compile(rb"P[1-6]\s+(#|\d)|P7\nWIDTH ")


def kind_of(data: bytes) -> Kind:
    """The kind of an image that can be cloaked.

    Raises:
        CloakroomError: empty, truncated (only the beginning of a signature), unsupported-format, not-an-image.
    """
    if not data:
        raise CloakroomError("empty")
    if data.startswith(_JPEG):
        return "jpeg"
    if data.startswith(_PNG):
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp" and any(brand in data[8:40] for brand in _ISO_BRANDS):
        raise CloakroomError("unsupported-format")
    if data.startswith(_OTHER_IMAGES) or _ANYMAP.match(data) or _is_svg(data):
        raise CloakroomError("unsupported-format")
    if len(data) > 1 and any(signature.startswith(data) for signature in (_JPEG, _PNG)):
        raise CloakroomError("truncated")
    if data[:4] == b"RIFF" and len(data) < 12:
        raise CloakroomError("truncated")
    raise CloakroomError("not-an-image")


def _is_svg(data: bytes) -> bool:
    """In UTF-16 too."""
    return b"<svg" in data[:1024].replace(b"\0", b"")


@dataclass(frozen=True)
class Facts:
    """What the chunks say that a decoder does not tell.

    colour holds the PNG chunks that say what its numbers mean (gamma, primaries): tiny, of fixed length.
    """

    depth: int = 8
    lossless: bool = False
    colour: tuple[tuple[bytes, bytes], ...] = ()


def facts_of(data: bytes, kind: Kind) -> Facts:
    """Walk the chunks of a PNG or WebP.

    Raises:
        CloakroomError: animated, truncated.
    """
    if kind == "png":
        return _png_facts(data)
    if kind == "webp":
        return _webp_facts(data)
    return Facts(lossless=False)


_COLOUR_CHUNKS: Final = {b"gAMA": 4, b"cHRM": 32, b"cICP": 4}


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(_PNG)
    while position < len(data):
        header = data[position : position + 8]
        if len(header) < 8:
            raise CloakroomError("truncated")
        length, name = struct.unpack(">I4s", header)
        body = data[position + 8 : position + 8 + length]
        position += 12 + length
        if len(body) < length or position > len(data):
            raise CloakroomError("truncated")
        yield name, body
        if name == b"IEND":
            return
    raise CloakroomError("truncated")


def _png_facts(data: bytes) -> Facts:
    depth = 8
    colour: dict[bytes, bytes] = {}
    for name, body in _png_chunks(data):
        if name == b"IHDR" and len(body) == 13:
            depth = body[8]
        elif name == b"acTL" and len(body) == 8 and struct.unpack(">I", body[:4])[0] > 1:
            raise CloakroomError("animated")
        elif len(body) == _COLOUR_CHUNKS.get(name, -1):
            colour[name] = body
    return Facts(depth=depth, lossless=True, colour=tuple(colour.items()))


def _webp_facts(data: bytes) -> Facts:
    end = 8 + struct.unpack("<I", data[4:8])[0]
    if end > len(data):
        raise CloakroomError("truncated")
    position, lossless = 12, False
    while position + 8 <= end:
        name, length = struct.unpack("<4sI", data[position : position + 8])
        if name in (b"ANIM", b"ANMF"):
            raise CloakroomError("animated")
        lossless = lossless or name == b"VP8L"
        position += 8 + length + (length & 1)
    return Facts(lossless=lossless)
