"""Photos are cloaked in the orientation and frame that browsers show (seen in Chromium 156 and Firefox 153)."""

import struct
import zlib

import numpy as np
import pytest

from daemon.wire.errors import CloakroomError
from daemon.worker import photo
from tests.daemon.odd_files import (
    WIDE,
    curve,
    device_profile,
    iccp,
    interlaced_png,
    jpeg_with,
    png_with,
    tiff,
    webp_animation,
    wrong,
)
from tests.daemon.samples import Pixels, astronaut, grey_profile, jpeg_segment, opened, png_chunk, saved

LINEAR = device_profile(curve())
GAMMA = struct.pack(">I", 100000)


def pixels_of(data: bytes) -> Pixels:
    read = photo.decode(data)
    out = opened(photo.encode(read, read.pixels))
    assert out.size == (read.width, read.height)
    return read.pixels


JPEG = saved(astronaut(), "JPEG", quality=85)
PROGRESSIVE = saved(astronaut(), "JPEG", quality=85, progressive=True)
GREY = saved(astronaut().convert("L"), "JPEG", quality=85)


@pytest.mark.parametrize("whole", [JPEG, PROGRESSIVE, GREY], ids=["baseline", "progressive", "grey"])
@pytest.mark.parametrize(
    "ending", [b"", b"\xff", bytes(512), b"\xff\xff\xff"], ids=["no end", "half a marker", "zeros", "fill bytes"]
)
def test_a_jpeg_without_its_end_marker(whole: bytes, ending: bytes) -> None:
    assert (pixels_of(whole[:-2] + ending) == pixels_of(whole)).all()


WORDS = " ".join(f'{{"id": {number}}}' for number in range(150_000)).encode()
PNGS = {
    "a profile of more than a mebibyte": (
        iccp(device_profile(curve(563), WIDE, 2, (b"lut0", b"data\0\0\0\0" + bytes(range(256)) * 4800))),
    ),
    "a compressed text": (png_chunk(b"zTXt", b"workflow\0\0" + zlib.compress(WORDS)),),
    "a compressed text in UTF-8": (png_chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(WORDS)),),
    "a wrong checksum of the density": (wrong(png_chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1))),),
    "a wrong checksum of the profile": (wrong(iccp(LINEAR)),),
    "a wrong checksum of the gamma": (wrong(png_chunk(b"gAMA", GAMMA)),),
}


@pytest.mark.parametrize("chunks", PNGS.values(), ids=PNGS.keys())
def test_a_png_with_chunks_that_decoders_stumble_over(chunks: tuple[bytes, ...]) -> None:
    assert (pixels_of(png_with(*chunks)) == np.asarray(astronaut())).all()


def test_what_has_a_wrong_checksum_does_not_go_out() -> None:
    """Chromium passes over it; Firefox takes the profile. We follow Chromium."""
    read = photo.decode(png_with(wrong(iccp(LINEAR)), wrong(png_chunk(b"gAMA", GAMMA))))
    assert read.profile is None
    assert read.colour == ()


@pytest.mark.parametrize("missing", [12, 13, 16, 20], ids=["IEND", "a checksum's last byte", "a checksum", "zlib's checksum"])
def test_a_png_without_its_end(missing: int) -> None:
    assert (pixels_of(png_with()[:-missing]) == np.asarray(astronaut())).all()


def test_a_wrong_checksum_round_good_pixels_is_passed_over_and_round_bad_ones_is_not() -> None:
    data = png_with()
    assert (pixels_of(data[:-16] + b"odd!" + data[-12:]) == np.asarray(astronaut())).all()
    middle = len(data) // 2
    with pytest.raises(CloakroomError, match="truncated"):
        photo.decode(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_kind_of_png_is_counted_right(mode: str) -> None:
    """How many bytes its pixels have to unpack to."""
    image = astronaut(97, 63).convert(mode)
    assert (pixels_of(saved(image, "PNG")) == np.asarray(image.convert("RGB"))).all()


@pytest.mark.parametrize("size", [(97, 63), (8, 8), (1, 1), (3, 2), (5, 1)])
def test_an_interlaced_png_is_counted_right(size: tuple[int, int]) -> None:
    picture = np.asarray(astronaut(*size))
    data = interlaced_png(picture)
    assert (pixels_of(data) == picture).all()
    assert (pixels_of(data[:-12]) == picture).all()
    with pytest.raises(CloakroomError, match="truncated"):
        photo.decode(interlaced_png(picture, missing=1))


@pytest.mark.parametrize("lossless", [False, True])
def test_an_animation_of_one_frame_is_a_photo(lossless: bool) -> None:
    read = photo.decode(webp_animation(1, lossless))
    assert read.lossless == lossless
    assert np.abs(read.pixels.astype(int) - np.asarray(astronaut())).mean() < 4
    with pytest.raises(CloakroomError, match="animated"):
        photo.decode(webp_animation(2))


def test_what_a_small_frame_leaves_of_its_canvas_is_transparent() -> None:
    read = photo.decode(webp_animation(1, canvas=(120, 80)))
    assert read.alpha is not None
    assert (read.alpha[:64, :96] == 255).all()
    assert not read.alpha[64:].any()


# Orientation.

TURNED = {
    "JPEG": jpeg_with(b"Exif\0\0" + tiff(6)),
    "JPEG, the other byte order": jpeg_with(b"Exif\0\0" + tiff(6, order="<")),
    "PNG": png_with(png_chunk(b"eXIf", tiff(6))),
}
UPRIGHT = {
    "JPEG, as LONG": jpeg_with(b"Exif\0\0" + tiff(6, 4)),
    "JPEG, as LONG, the other byte order": jpeg_with(b"Exif\0\0" + tiff(6, 4, order="<")),
    "JPEG, as BYTE": jpeg_with(b"Exif\0\0" + tiff(6, 1)),
    "JPEG, two values": jpeg_with(b"Exif\0\0" + tiff(6, count=2)),
    "PNG, as LONG": png_with(png_chunk(b"eXIf", tiff(6, 4))),
    "PNG, behind its pixels": png_with(behind=png_chunk(b"eXIf", tiff(6))),
    "PNG, begun as in a JPEG": png_with(png_chunk(b"eXIf", b"Exif\0\0" + tiff(6))),
    "WebP": saved(astronaut(), "WEBP", exif=tiff(6)),
    "WebP, as LONG": saved(astronaut(), "WEBP", exif=tiff(6, 4)),
    "WebP, begun as in a JPEG": saved(astronaut(), "WEBP", exif=b"Exif\0\0" + tiff(6)),
}


@pytest.mark.parametrize("data", TURNED.values(), ids=TURNED.keys())
def test_an_orientation_that_browsers_follow(data: bytes) -> None:
    assert pixels_of(data).shape == (96, 64, 3)


@pytest.mark.parametrize("data", UPRIGHT.values(), ids=UPRIGHT.keys())
def test_an_orientation_that_browsers_pass_over(data: bytes) -> None:
    assert pixels_of(data).shape == (64, 96, 3)


def test_the_first_of_two_orientations_counts() -> None:
    first, second = (jpeg_segment(0xE1, b"Exif\0\0" + tiff(value)) for value in (6, 3))
    assert pixels_of(JPEG[:2] + first + second + JPEG[2:]).shape == (96, 64, 3)
    assert pixels_of(JPEG[:2] + second + first + JPEG[2:]).shape == (64, 96, 3)


# Colour.


def test_cicp_counts_for_more_than_a_profile_and_is_kept() -> None:
    pq = png_chunk(b"cICP", bytes([9, 16, 0, 1]))
    read = photo.decode(png_with(pq, iccp(LINEAR)))
    assert (read.pixels == np.asarray(astronaut())).all()
    assert pq in photo.encode(read, read.pixels)
    grey = photo.decode(png_with(pq, iccp(grey_profile()), picture=np.asarray(astronaut().convert("L"))))
    assert (grey.pixels[..., 0] == np.asarray(astronaut().convert("L"))).all(), "nothing is converted by what does not count"
    assert pq in photo.encode(grey, grey.pixels)


def test_srgb_is_kept_beside_the_gamma_that_it_counts_for_more_than() -> None:
    chunks = (png_chunk(b"sRGB", b"\0"), png_chunk(b"gAMA", GAMMA))
    read = photo.decode(png_with(*chunks))
    encoded = photo.encode(read, read.pixels)
    assert all(chunk in encoded for chunk in chunks)


def test_grey_with_a_profile_for_rgb_looks_as_in_chromium_and_leaves_the_profile_behind() -> None:
    """A gamma of 1.0, so that it is seen: Chromium shows the picture brighter for it."""
    grey = np.asarray(astronaut().convert("L"))
    read = photo.decode(png_with(iccp(LINEAR), picture=grey))
    assert read.profile is None
    light = grey / 255
    shown = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(read.pixels.mean(2) - shown).max() < 2
    assert any("sRGB" in note for note in read.notes)


# HDR.

XMP = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/'/>"
APPLE = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta apdi:AuxiliaryImageType='urn:com:apple:photo:2020:aux:hdrgainmap'/>"
GAIN_MAPS = {
    "Ultra HDR": jpeg_with(XMP) + saved(astronaut(24, 16), "JPEG"),
    "ISO 21496-1": jpeg_with(b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4), 0xE2) + saved(astronaut(24, 16), "JPEG"),
    "Apple's": saved(astronaut(), "JPEG", quality=90) + jpeg_with(APPLE),
}


@pytest.mark.parametrize("data", GAIN_MAPS.values(), ids=GAIN_MAPS.keys())
def test_of_a_photo_with_a_gain_map_the_picture_goes_out_and_the_rest_is_told(data: bytes) -> None:
    read = photo.decode(data)
    assert any("HDR" in note for note in read.notes)
    assert (read.pixels == np.asarray(opened(saved(astronaut(), "JPEG", quality=90)))).all()
    assert not photo.decode(saved(astronaut(), "JPEG", quality=90)).notes
