"""Photos of every kind, made from scikit-image's astronaut, some with things in them that must not come out again."""

import io
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import skimage.data
from PIL import Image, ImageCms, PngImagePlugin

Pixels = npt.NDArray[np.uint8]

SECRET = "Secret-4711"
"""Stands in every metadata field of every sample; must be in no file that comes out."""


@cache
def astronaut(width: int = 96, height: int = 64) -> Image.Image:
    """Her face, at this size."""
    with Image.open(Path(skimage.data.__file__).parent / "astronaut.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    # Through its pixels alone, because the file has a colour profile of its own.
    return Image.fromarray(pixels).crop((128, 0, 368, 160)).resize((width, height))


def alpha_plane(width: int = 96, height: int = 64) -> Image.Image:
    """Every value from 0 to 255, the transparent ones included."""
    ramp = np.add.outer(np.arange(height) * 7, np.arange(width) * 5) % 256
    return Image.fromarray(ramp.astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@cache
def rgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def grey_profile() -> bytes:
    """A minimal ICC profile for greyscale: gamma 1.0, so that a conversion through it is seen."""
    return _profile(b"GRAY", [(b"kTRC", b"curv\0\0\0\0" + struct.pack(">I", 0)), (b"wtpt", _xyz(0.9642, 1.0, 0.8249))])


def cmyk_profile() -> bytes:
    """A minimal CMYK profile whose lookup table turns every ink into the same mid grey."""
    grid = 2
    header = struct.pack(">BBBB", 4, 3, grid, 0)
    identity = b"".join(struct.pack(">i", 0x10000 if i % 4 == 0 else 0) for i in range(9))
    pixels = bytes([128, 128, 128]) * grid**4
    lut = b"mft1\0\0\0\0" + header + identity + bytes(range(256)) * 4 + pixels + bytes(range(256)) * 3
    return _profile(b"CMYK", [(b"A2B0", lut), (b"wtpt", _xyz(0.9642, 1.0, 0.8249))], kind=b"prtr", space=b"Lab ")


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _profile(colours: bytes, tags: list[tuple[bytes, bytes]], kind: bytes = b"mntr", space: bytes = b"XYZ ") -> bytes:
    text = b"text\0\0\0\0sample\0"
    words = b"desc\0\0\0\0" + struct.pack(">I", 7) + b"sample\0" + bytes(78)
    tags = [*tags, (b"cprt", text), (b"desc", words)]
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags:
        padded = data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, offset + len(body), len(data))
        body += padded
    size = 128 + len(table) + len(body)
    white = struct.pack(">iii", 63190, 65536, 54061)
    header = struct.pack(">I4sI4s4s4s", size, b"none", 0x02400000, kind, colours, space) + bytes(12) + b"acsp"
    header = (header + bytes(28) + white).ljust(128, b"\0")
    return header + table + body


def exif(orientation: int = 1) -> bytes:
    """EXIF with an orientation, a camera, a place and a thumbnail."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = SECRET
    tags[0x013B] = SECRET
    gps = tags.get_ifd(0x8825)
    gps[1], gps[2] = "N", (48.0, 8.0, 30.0)
    gps[29] = SECRET
    return tags.tobytes()


def jpeg_segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def with_jpeg_metadata(data: bytes, orientation: int = 1) -> bytes:
    """A JPEG with EXIF, XMP, IPTC, a comment, a thumbnail in JFIF's extension, and an unknown segment."""
    secret = SECRET.encode()
    iptc = b"\x1c\x02\x78" + struct.pack(">H", len(secret)) + secret
    photoshop = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + bytes(len(iptc) % 2)
    segments = [
        jpeg_segment(0xE1, exif(orientation)),
        jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + secret + b"</x:xmpmeta>"),
        jpeg_segment(0xE0, b"JFXX\0\x10" + saved(astronaut(16, 12), "JPEG") + secret),
        jpeg_segment(0xED, photoshop),
        jpeg_segment(0xEB, b"HDR_RI " + secret),
        jpeg_segment(0xFE, secret),
    ]
    return data[:2] + b"".join(segments) + data[2:] + secret


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_png_metadata(data: bytes, orientation: int = 1) -> bytes:
    """A PNG with texts of all three kinds, XMP, EXIF, a time and an unknown chunk."""
    secret = SECRET.encode()
    chunks = [
        png_chunk(b"tEXt", b"Author\0" + secret),
        png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(secret)),
        png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta>" + secret + b"</x:xmpmeta>"),
        png_chunk(b"eXIf", exif(orientation).removeprefix(b"Exif\0\0")),
        png_chunk(b"tIME", struct.pack(">HBBBBB", 2019, 3, 4, 5, 6, 7)),
        png_chunk(b"prVt", secret),
    ]
    head = 8 + 25
    return data[:head] + b"".join(chunks) + data[head:] + secret


def with_webp_metadata(image: Image.Image, orientation: int = 1, **options: Any) -> bytes:
    return saved(image, "WEBP", exif=exif(orientation), xmp=f"<x:xmpmeta>{SECRET}</x:xmpmeta>".encode(), **options)


def sixteen_bit_png(values: npt.NDArray[np.uint16]) -> bytes:
    """A PNG of uint16[H, W, C] with C of 1 (grey), 2 (grey, alpha), 3 or 4: Pillow cannot write these itself."""
    height, width, channels = values.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")


def grey_png(values: Pixels, depth: int, *chunks: bytes) -> bytes:
    """A greyscale PNG of uint8[H, W], each below 2 ** depth, with chunks before its pixels: Pillow writes 1 or 8 bits only."""
    height, width = values.shape
    bits = np.unpackbits(values[..., None], axis=-1)[..., 8 - depth :].reshape(height, -1)
    rows = b"".join(b"\0" + row.tobytes() for row in np.packbits(bits, axis=-1))
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    body = b"".join(chunks) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + body


def png_header_only(width: int, height: int) -> bytes:
    """Says that it is enormous, and holds next to nothing: a decompression bomb's first lines."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def with_text(image: Image.Image, text: str) -> bytes:
    information = PngImagePlugin.PngInfo()
    information.add_text("Comment", text, zip=True)
    return saved(image, "PNG", pnginfo=information)
