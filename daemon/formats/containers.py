"""Tells the kind of a file from its first bytes and its chunks, before any decoder sees it.

Names and MIME types are not asked: pages and cameras get them wrong, attackers on purpose.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from daemon.wire.errors import CloakroomError

Kind = Literal["jpeg", "png", "webp"]
MIME: Final[dict[Kind, Literal["image/jpeg", "image/png", "image/webp"]]] = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}

PNG: Final = b"\x89PNG\r\n\x1a\n"
JPEG: Final = b"\xff\xd8\xff"

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
    if data.startswith(JPEG):
        return "jpeg"
    if data.startswith(PNG):
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp" and any(brand in data[8:40] for brand in _ISO_BRANDS):
        raise CloakroomError("unsupported-format")
    if data.startswith(_OTHER_IMAGES) or _ANYMAP.match(data) or _is_svg(data):
        raise CloakroomError("unsupported-format")
    if len(data) > 1 and any(signature.startswith(data) for signature in (JPEG, PNG)):
        raise CloakroomError("truncated")
    if data[:4] == b"RIFF" and len(data) < 12:
        raise CloakroomError("truncated")
    raise CloakroomError("not-an-image")


def _is_svg(data: bytes) -> bool:
    """In UTF-16 too."""
    return b"<svg" in data[:1024].replace(b"\0", b"")


@dataclass(frozen=True)
class Facts:
    """Facts from a file's chunks that Pillow's decoder does not report.

    Attributes:
        file: what the decoder is given: the picture alone, made whole where something was missing that holds no pixels.
        depth: bits a channel.
        lossless: whether it is packed without a loss.
        colour: PNG chunks that say what its numbers mean (gamma, primaries): tiny, of fixed length.
        profile: the ICC profile of a PNG, unpacked; other decoders tell it themselves.
        exif: from its byte order mark on, where browsers follow its orientation.
        doubts: the same picture with another end. Where it is decoded otherwise, pixels are missing.
        notes: what could not be kept, in words for people.
    """

    file: bytes
    depth: int = 8
    lossless: bool = False
    colour: tuple[tuple[bytes, bytes], ...] = ()
    profile: bytes | None = None
    exif: bytes | None = None
    doubts: bytes | None = None
    notes: tuple[str, ...] = ()
