"""Files that cannot be cloaked: every one gets its name, none crashes the decoder."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from daemon.formats.containers import MIME, kind_of
from daemon.wire.errors import CloakroomError, Code
from daemon.wire.protocol import LIMITS
from daemon.worker import photo
from tests.daemon import samples
from tests.daemon.samples import astronaut, png_chunk, png_header_only, saved
from tests.daemon.vectors import VECTORS


def code_of(data: bytes) -> Code | None:
    try:
        photo.decode(data)
    except CloakroomError as problem:
        return problem.code
    return None


def frames(kind: str, count: int = 2) -> bytes:
    others = [astronaut().rotate(90 * n) for n in range(1, count)]
    return saved(astronaut(), kind, save_all=True, append_images=others, duration=100)


def heif(brand: bytes) -> bytes:
    return struct.pack(">I4s4sI", 24, b"ftyp", brand, 0) + b"mif1" + brand + bytes(100)


JPEG = saved(astronaut(), "JPEG")
PNG = saved(astronaut(), "PNG")
WEBP = saved(astronaut(), "WEBP")


def without_last_scan() -> bytes:
    """Every coefficient lacks its last bit; nothing of what is there is damaged."""
    whole = saved(astronaut(), "JPEG", progressive=True)
    return whole[: whole.rindex(b"\xff\xda")]


CASES: dict[str, tuple[bytes, Code]] = {
    "no byte": (b"", "empty"),
    "text": (b"Dear diary, today I went to the beach.", "not-an-image"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(100), "not-an-image"),
    "zeros": (bytes(1000), "not-an-image"),
    "one byte": (b"\xff", "not-an-image"),
    "a page that mentions an image": (b"<html><img src=x></html>", "not-an-image"),
    "a WAV": (b"RIFF\x24\0\0\0WAVEfmt ", "not-an-image"),
    "an MP4": (struct.pack(">I4s4sI", 24, b"ftyp", b"isom", 0) + b"mp41avc1" + bytes(50), "not-an-image"),
    "a GIF": (saved(astronaut().quantize(16), "GIF"), "unsupported-format"),
    "an animated GIF": (frames("GIF", 3), "unsupported-format"),
    "a BMP": (saved(astronaut(), "BMP"), "unsupported-format"),
    "a TIFF": (saved(astronaut(), "TIFF"), "unsupported-format"),
    "an icon": (saved(astronaut(32, 32), "ICO"), "unsupported-format"),
    "a JPEG 2000": (saved(astronaut(), "JPEG2000"), "unsupported-format"),
    "an SVG": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported-format"),
    "a HEIC": (heif(b"heic"), "unsupported-format"),
    "an AVIF": (heif(b"avif"), "unsupported-format"),
    "a real AVIF": (saved(astronaut(), "AVIF"), "unsupported-format"),
    "a JPEG XL": (b"\xff\x0a" + bytes(50), "unsupported-format"),
    "an animated WebP": (frames("WEBP"), "animated"),
    "an animated PNG": (frames("PNG"), "animated"),
    "half a JPEG": (JPEG[: len(JPEG) // 2], "truncated"),
    "half a PNG": (PNG[: len(PNG) // 2], "truncated"),
    "half a WebP": (WEBP[: len(WEBP) // 2], "truncated"),
    "a JPEG's first bytes": (JPEG[:2], "truncated"),
    "a JPEG's header": (JPEG[:20], "truncated"),
    "a PNG's first bytes": (PNG[:5], "truncated"),
    "a PNG's signature": (PNG[:8], "truncated"),
    "a WebP's first bytes": (WEBP[:10], "truncated"),
    "a PNG without its last pixels": (PNG[: -12 - 4 - 40], "truncated"),
    "a PNG whose header's checksum is wrong": (PNG[:29] + bytes(4) + PNG[33:], "truncated"),
    "a JPEG without its last pixels": (JPEG[:-20], "truncated"),
    "a JPEG without its last pixels, but for the marker": (JPEG[:-20] + b"\xff", "truncated"),
    "a progressive JPEG without its last scan": (without_last_scan(), "truncated"),
    "an APNG whose picture is no frame": (PNG[:33] + png_chunk(b"acTL", struct.pack(">II", 1, 0)) + PNG[33:], "animated"),
    "a PNG without pixels": (PNG[:33] + png_chunk(b"IEND", b""), "truncated"),
    "a PNG with damaged pixels": (PNG[:60] + bytes(100) + PNG[160:], "truncated"),
    "a JPEG of noise": (JPEG[:3] + bytes(range(256)) * 4, "truncated"),
    "a WebP of noise": (b"RIFF" + struct.pack("<I", 1004) + b"WEBP" + bytes(1000), "truncated"),
    "a PNG of no width": (png_header_only(0, 10), "truncated"),
    "too many pixels": (png_header_only(12_000, 10_001), "too-many-pixels"),
    "a decompression bomb": (png_header_only(2**31 - 1, 2**31 - 1), "too-many-pixels"),
}


@pytest.mark.parametrize(("data", "code"), CASES.values(), ids=CASES.keys())
def test_every_refusal_has_its_name(data: bytes, code: Code) -> None:
    assert code_of(data) == code


def test_bytes_that_follow_the_picture_do_no_harm() -> None:
    """Not even more than a person may send: how many that are is no matter of the decoder's."""
    assert code_of(JPEG + bytes(LIMITS.bytes)) is None


def test_a_bomb_costs_no_memory() -> None:
    """120 megapixels at one byte over the limit are refused from the header: nothing of that size is made."""
    begun = io.BytesIO(png_header_only(50_000, 50_000))
    with Image.open(begun) as image:
        assert image.width * image.height == 2_500_000_000
    assert code_of(begun.getvalue()) == "too-many-pixels"


def test_a_text_that_unpacks_to_much_is_no_way_in() -> None:
    bomb = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80_000_000)))
    assert code_of(PNG[:33] + bomb * 3 + PNG[33:]) in (None, "truncated")


def test_the_exact_number_of_pixels_allowed() -> None:
    assert code_of(png_header_only(12_000, 10_000)) == "truncated", "looked at, and found to hold nothing"


@given(some.binary(max_size=300))
def test_any_bytes_at_all(data: bytes) -> None:
    assert code_of(data) is not None


SAMPLES = [JPEG, PNG, WEBP, samples.with_png_metadata(PNG), saved(astronaut(), "WEBP", lossless=True)]


@given(some.sampled_from(SAMPLES), some.data())
def test_any_damage_is_named_or_survived(sample: bytes, data: some.DataObject) -> None:
    """Flip bytes anywhere: a photo of a sane size, or a name."""
    damaged = bytearray(sample)
    for _ in range(data.draw(some.integers(1, 8))):
        damaged[data.draw(some.integers(0, len(damaged) - 1))] = data.draw(some.integers(0, 255))
    try:
        read = photo.decode(bytes(damaged))
    except CloakroomError:
        return
    assert read.pixels.dtype == np.uint8
    assert read.width * read.height <= LIMITS.pixels


@given(some.sampled_from(SAMPLES), some.data())
def test_every_beginning_is_named_or_has_every_pixel(sample: bytes, data: some.DataObject) -> None:
    beginning = sample[: data.draw(some.integers(1, len(sample) - 1))]
    try:
        read = photo.decode(beginning)
    except CloakroomError:
        return
    assert (read.pixels == photo.decode(sample).pixels).all()


def test_encoding_other_sizes_is_our_own_fault() -> None:
    read = photo.decode(PNG)
    with pytest.raises(CloakroomError, match="internal"):
        photo.encode(read, read.pixels[1:])


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["name"]) for vector in VECTORS["files"]])
def test_what_the_extension_asks_about_is_what_cannot_be_cloaked(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["hex"])
    try:
        told: str = MIME[kind_of(data)]
    except CloakroomError as problem:
        told = problem.code
    if vector["rule"] == "cloak":
        assert told == vector["type"]
    elif (vector["type"] or "").startswith("image/"):
        assert told == "unsupported-format"
    else:
        assert told not in MIME.values()
