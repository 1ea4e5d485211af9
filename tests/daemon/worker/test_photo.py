"""Photos through decode and encode: same type, same size, upright, alpha and colours as they were, nothing else."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from daemon.worker import photo
from tests.daemon import samples
from tests.daemon.samples import SECRET, alpha_plane, astronaut, opened, saved


def through(data: bytes) -> tuple[photo.Photo, Image.Image]:
    """Decode, encode the same pixels, open with Pillow."""
    read = photo.decode(data)
    return read, opened(photo.encode(read, read.pixels))


def array(image: Image.Image) -> Any:
    return np.asarray(image)


KINDS = {
    "JPEG": saved(astronaut(), "JPEG", quality=95, subsampling=0),
    "JPEG 4:2:0": saved(astronaut(), "JPEG", quality=80),
    "progressive JPEG": saved(astronaut(), "JPEG", progressive=True, quality=95),
    "PNG": saved(astronaut(), "PNG"),
    "WebP": saved(astronaut(), "WEBP", quality=90),
    "lossless WebP": saved(astronaut(), "WEBP", lossless=True),
}


@pytest.mark.parametrize("data", KINDS.values(), ids=KINDS.keys())
def test_type_and_size_stay(data: bytes) -> None:
    read, out = through(data)
    source = opened(data)
    assert out.format == source.format
    assert out.size == source.size == (read.width, read.height) == (96, 64)
    assert out.mode == "RGB"
    assert read.alpha is None
    difference = np.abs(array(out).astype(int) - array(source.convert("RGB")))
    assert difference.mean() < 3
    assert (array(source.convert("RGB")) == read.pixels).all()


@pytest.mark.parametrize("name", ["PNG", "lossless WebP"])
def test_lossless_stays_lossless(name: str) -> None:
    read, out = through(KINDS[name])
    assert read.lossless
    assert (array(out) == array(astronaut())).all()


def test_the_finest_jpeg_has_no_chroma_subsampling() -> None:
    read = photo.decode(KINDS["JPEG 4:2:0"])
    with Image.open(io.BytesIO(photo.encode(read, read.pixels))) as out:
        assert [layer[1:3] for layer in out.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]


def test_noise_fits_into_a_jpeg() -> None:
    """More than two bytes a pixel, which is all that Pillow reserves for an optimised one."""
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    read = photo.decode(saved(Image.fromarray(noise), "JPEG", quality=100, subsampling=0))
    encoded = photo.encode(read, read.pixels)
    assert len(encoded) > 2 * 200 * 300
    assert np.abs(array(opened(encoded)).astype(int) - read.pixels).mean() < 4


def test_other_pixels_arrive() -> None:
    read = photo.decode(KINDS["PNG"])
    changed = 255 - read.pixels
    assert (array(opened(photo.encode(read, changed))) == changed).all()


def test_the_type_is_read_from_the_content() -> None:
    """There is no name to go by: decode takes bytes alone. A JPEG remains one whatever follows it."""
    assert photo.decode(KINDS["JPEG"] + b"\x89PNG\r\n\x1a\n").kind == "jpeg"


# Orientation.

TURNED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera stores an upright picture under each orientation: the inverse of what a viewer does."""


BEST: dict[str, dict[str, Any]] = {"JPEG": {"quality": 100, "subsampling": 0}, "PNG": {}, "WEBP": {"lossless": True}}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_all_orientations_come_out_upright(kind: str, orientation: int) -> None:
    turn = TURNED[orientation]
    stored = astronaut() if turn is None else astronaut().transpose(turn)
    options = BEST[kind]
    _, out = through(saved(stored, kind, exif=samples.exif(orientation), **options))
    assert out.size == (96, 64)
    assert np.abs(array(out).astype(int) - array(astronaut())).mean() < 3
    assert out.getexif().get(0x0112, 1) == 1


def test_alpha_is_turned_with_the_colours() -> None:
    image = astronaut().convert("RGBA")
    image.putalpha(alpha_plane())
    data = saved(image.transpose(Image.Transpose.ROTATE_90), "PNG", exif=samples.exif(6))
    assert (array(through(data)[1]) == array(image)).all()


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0", samples.exif(9), samples.exif(0)]
)
def test_damaged_exif_is_no_reason_to_fail(exif: bytes) -> None:
    data = KINDS["JPEG"]
    _, out = through(data[:2] + samples.jpeg_segment(0xE1, exif) + data[2:])
    assert out.size == (96, 64)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (301, 1), (17, 9)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_odd_sizes(kind: str, size: tuple[int, int]) -> None:
    assert through(saved(astronaut(*size), kind))[1].size == size


def test_a_multi_picture_jpeg_is_its_first_picture() -> None:
    data = saved(astronaut(), "MPO", save_all=True, append_images=[astronaut().rotate(180)], quality=95)
    assert opened(data).format == "MPO"
    read, out = through(data)
    assert out.format == "JPEG"
    assert np.abs(read.pixels.astype(int) - array(astronaut())).mean() < 3


# Metadata.

LADEN = {
    "JPEG": samples.with_jpeg_metadata(saved(astronaut(), "JPEG", comment=SECRET), 6),
    "PNG": samples.with_png_metadata(saved(astronaut(), "PNG"), 6),
    "WebP": samples.with_webp_metadata(astronaut(), 6, quality=90),
    "lossless WebP": samples.with_webp_metadata(astronaut(), 6, lossless=True),
}
TRACES = (
    b"Exif", b"EXIF", b"eXIf", b"xmp", b"XMP", b"xap", b"8BIM", b"Photoshop", b"JFXX", b"HDR_RI", b"tEXt", b"zTXt",
    b"iTXt", b"tIME", b"prVt", SECRET.encode(),
)  # fmt: skip


@pytest.mark.parametrize("data", LADEN.values(), ids=LADEN.keys())
def test_no_metadata_comes_out(data: bytes) -> None:
    present = [trace for trace in TRACES if trace in data]
    assert SECRET.encode() in present
    assert len(present) >= 4, "the sample is laden"
    read = photo.decode(data)
    encoded = photo.encode(read, read.pixels)
    assert [trace for trace in TRACES if trace in encoded] == []
    assert opened(encoded).size == ((96, 64) if data[8:12] == b"WEBP" else (64, 96)), "turned as browsers turn it"


def test_segments_and_chunks_that_come_out_are_only_those_that_pictures_need() -> None:
    read = photo.decode(LADEN["JPEG"])
    data, position, markers = photo.encode(read, read.pixels), 2, []
    while data[position + 1] != 0xDA:
        markers.append(data[position + 1])
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    assert set(markers) <= {0xE0, 0xDB, 0xC0, 0xC4}
    assert data.endswith(b"\xff\xd9")
    read = photo.decode(LADEN["PNG"])
    data, position, names = photo.encode(read, read.pixels), 8, []
    while position < len(data):
        names.append(data[position + 4 : position + 8])
        position += 12 + int.from_bytes(data[position : position + 4], "big")
    assert set(names) == {b"IHDR", b"IDAT", b"IEND"}
    read = photo.decode(LADEN["WebP"])
    assert photo.encode(read, read.pixels)[12:16] == b"VP8 "


def test_notes_never_quote_the_file() -> None:
    for data in LADEN.values():
        assert SECRET not in repr(photo.decode(data).notes)
