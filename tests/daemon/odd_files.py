"""Photos as people really have them: cut, with odd chunks, with what another program left behind. Made of samples' pictures."""

import struct
import zlib

import numpy as np

from tests.daemon.samples import Pixels, astronaut, jpeg_segment, png_chunk, saved

MARK = b"Device-0815"
"""Names a device in the profiles; must be in no file that comes out."""


def tiff(orientation: int, kind: int = 3, count: int = 1, order: str = ">") -> bytes:
    """One entry: the orientation, as SHORT (3), LONG (4) or BYTE (1)."""
    value = {3: f"{order}HH", 4: f"{order}I", 1: f"{order}BBBB"}[kind]
    numbers = (orientation, 0, 0, 0)[: {3: 2, 4: 1, 1: 4}[kind]]
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}IH", 8, 1)
    return head + struct.pack(f"{order}HHI", 0x0112, kind, count) + struct.pack(value, *numbers) + bytes(4)


def jpeg_with(body: bytes, marker: int = 0xE1) -> bytes:
    whole = saved(astronaut(), "JPEG", quality=90)
    return whole[:2] + jpeg_segment(marker, body) + whole[2:]


def png_with(*chunks: bytes, behind: bytes = b"", picture: Pixels | None = None) -> bytes:
    """A PNG of 8 bits, grey or RGB, with chunks before and behind its pixels."""
    pixels = np.asarray(astronaut()) if picture is None else picture
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    parts = [png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", zlib.compress(rows)), behind, png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def interlaced_png(pixels: Pixels, missing: int = 0) -> bytes:
    """An RGB picture in seven passes (Adam7), with so many bytes missing at the end of its pixels."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = b""
    for top, left, down, across in passes:
        part = pixels[top::down, left::across]
        rows += b"".join(b"\0" + row.tobytes() for row in part) if part.size else b""
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 2, 0, 0, 1)
    body = zlib.compress(rows[: len(rows) - missing])
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in ((b"IHDR", header), (b"IDAT", body), (b"IEND", b"")))


def wrong(chunk: bytes) -> bytes:
    """The chunk with a checksum that is not its own."""
    return chunk[:-4] + bytes(byte ^ 0x55 for byte in chunk[-4:])


def iccp(profile: bytes) -> bytes:
    return png_chunk(b"iCCP", b"icc\0\0" + zlib.compress(profile))


def curve(*points: int) -> bytes:
    """No point: linear; one: a gamma in 256ths; more: a table."""
    return b"curv\0\0\0\0" + struct.pack(f">I{len(points)}H", len(points), *points)


def parametric(kind: int, *numbers: float) -> bytes:
    return (
        b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)
    )


SRGB_CURVE = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
WIDE = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
"""Adobe RGB's primaries."""
NARROW = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
"""sRGB's."""


def device_profile(
    tone: bytes = curve(563), primaries: tuple[tuple[float, ...], ...] = WIDE, version: int = 2, *more: tuple[bytes, bytes]
) -> bytes:
    """A profile for RGB that names a device, its maker and a time in every place there is."""

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    text = b"text\0\0\0\0" + MARK + b"\0"
    words = b"desc\0\0\0\0" + struct.pack(">I", len(MARK) + 1) + MARK + b"\0" + bytes(78)
    if version == 4:
        letters = MARK.decode().encode("utf-16-be")
        text = words = b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(letters), 28) + letters
    tags = [
        (b"desc", words),
        (b"cprt", text),
        (b"dmnd", words),
        (b"dmdd", words),
        (b"mmod", b"mmod\0\0\0\0" + MARK),
        (b"priv", b"data\0\0\0\0" + MARK * 3),
        (b"wtpt", xyz((0.9642, 1.0, 0.8249)) + MARK),
        *zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(xyz, primaries), strict=True),
        *((name, tone + MARK) for name in (b"rTRC", b"gTRC", b"bTRC")),
        *more,
    ]
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags:
        table += struct.pack(">4sII", name, offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = 128 + len(table) + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", version << 24, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2021, 5, 17, 13, 37, 42) + b"acspAPPL" + bytes(4) + b"MAKE" + b"MODL" + bytes(12)
    head += struct.pack(">iii", 63190, 65536, 54061) + b"MINE" + MARK
    return head.ljust(128, b"\0") + table + body


def webp_animation(frames: int, lossless: bool = False, canvas: tuple[int, int] = (96, 64)) -> bytes:
    """As programs write that know of animations only, also for one picture."""
    still = saved(astronaut(), "WEBP", lossless=lossless, quality=90)[12:]
    size = struct.pack("<I", canvas[0] - 1)[:3] + struct.pack("<I", canvas[1] - 1)[:3]
    number = struct.pack("<I", 95)[:3] + struct.pack("<I", 63)[:3]
    frame = bytes(6) + number + struct.pack("<I", 100)[:3] + b"\0" + still
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + bytes([2, 0, 0, 0]) + size + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    body += (b"ANMF" + struct.pack("<I", len(frame)) + frame) * frames
    return b"RIFF" + struct.pack("<I", len(body)) + body
