"""Colour profiles go out built anew: the same colours, and nothing of whoever made them."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from daemon.formats.icc import Profile, rebuilt
from daemon.worker import photo
from tests.daemon.odd_files import (
    MARK,
    NARROW,
    SRGB_CURVE,
    WIDE,
    curve,
    device_profile,
    iccp,
    jpeg_with,
    parametric,
    png_with,
)
from tests.daemon.samples import Pixels, astronaut, opened, rgb_profile, saved

STEPS = np.linspace(0, 255, 18).round().astype(np.uint8)
GRID = np.stack(np.meshgrid(STEPS, STEPS, STEPS), -1).reshape(18, 324, 3)
"""Every mixture of 18 levels of red, green and blue."""

TABLE = curve(*(round(65535 * (number / 255) ** 1.8) for number in range(256)))
PROFILES: dict[str, bytes] = {
    "gamma": device_profile(curve(563)),
    "linear": device_profile(curve()),
    "a table": device_profile(TABLE),
    "sRGB by its formula": device_profile(SRGB_CURVE, NARROW, 4),
    "a parametric gamma": device_profile(parametric(0, 1.9), WIDE, 4),
    "Little CMS' own sRGB": rgb_profile(),
}


def shown(profile: bytes, pixels: Pixels = GRID) -> Any:
    """In sRGB, as Little CMS converts it."""
    converted = ImageCms.profileToProfile(
        Image.fromarray(pixels), ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    )
    return np.asarray(converted).astype(int)


def lab(profile: bytes) -> Any:
    """In the space that profiles are connected in, by which no colour is cut off."""
    converted = ImageCms.profileToProfile(
        Image.fromarray(GRID), ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    return np.asarray(converted).astype(int)


def made_of(profile: bytes) -> bytes:
    read = Profile.of(profile)
    assert read is not None
    made = rebuilt(read)
    assert made is not None
    return made


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_the_colours_stay_the_same(profile: bytes) -> None:
    made = made_of(profile)
    assert (shown(made) == shown(profile)).all()
    assert (lab(made) == lab(profile)).all()
    assert made_of(made) == made, "built anew once more it is the same"


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_nothing_names_anything(profile: bytes) -> None:
    made = made_of(profile)
    assert MARK not in made
    assert MARK.decode().encode("utf-16-be") not in made
    assert made[4:8] == bytes(4), "who wrote it"
    assert made[24:36] == bytes(12), "when"
    assert made[40:64] == bytes(24), "for which system, by which maker, which model"
    assert made[80:128] == bytes(48), "by which program, and its fingerprint"
    names = set(Profile(made, "RGB").tags())
    assert names <= {b"desc", b"cprt", b"wtpt", b"chad", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"cicp"}
    assert len(made) < len(profile)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_goes_out_with_it(kind: str) -> None:
    profile = device_profile()
    data = saved(astronaut(), kind, icc_profile=profile)
    assert MARK in data or kind == "PNG"
    read = photo.decode(data)
    encoded = photo.encode(read, read.pixels)
    kept = opened(encoded).info["icc_profile"]
    assert MARK not in encoded + kept
    assert kept == made_of(profile)
    assert (shown(kept, read.pixels) == shown(profile, read.pixels)).all()


def test_one_in_several_segments_is_read_whole() -> None:
    profile = device_profile(curve(563), WIDE, 2, (b"priv", b"data\0\0\0\0" + bytes(200_000)))
    read = photo.decode(saved(astronaut(), "JPEG", icc_profile=profile))
    assert read.profile == made_of(profile)


def test_what_hides_behind_a_profile_is_cut_off() -> None:
    read = photo.decode(saved(astronaut(), "JPEG", icc_profile=rgb_profile() + MARK))
    assert read.profile == made_of(rgb_profile())


def with_table() -> bytes:
    """Primaries and curves, and a lookup table that counts for more and turns every colour into the same mid grey."""
    identity = b"".join(struct.pack(">i", 0x10000 if number % 4 == 0 else 0) for number in range(9))
    table = b"mft1\0\0\0\0" + bytes([3, 3, 2, 0]) + identity + bytes(range(256)) * 3 + bytes([128] * 24) + bytes(range(256)) * 3
    made = device_profile(curve(563), WIDE, 2, (b"A2B0", table))
    return made[:20] + b"Lab " + made[24:]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_through_one_that_cannot_be_built_anew_the_colours_are_converted(kind: str) -> None:
    read = photo.decode(saved(astronaut(), kind, icc_profile=with_table()))
    assert read.profile is None
    assert read.pixels.std() < 2, "the table makes everything the same grey"
    assert any("converted to sRGB" in note for note in read.notes)


def test_one_that_no_colour_can_be_converted_through_is_passed_over_and_told() -> None:
    damaged = device_profile(curve(563), WIDE, 2, (b"A2B0", b"mft2" + bytes(60)))
    read = photo.decode(png_with(iccp(damaged)))
    assert read.profile is None
    assert any("profile" in note for note in read.notes)


@pytest.mark.parametrize("tone", [curve(*range(5000)), b"curv\0\0\0\0\0\0\xff\xff", parametric(9, 1.0), b"data" + bytes(40)])
def test_damaged_or_endless_curves_are_not_taken_over(tone: bytes) -> None:
    profile = Profile.of(device_profile(tone))
    assert profile is not None
    assert rebuilt(profile) is None
    photo.decode(jpeg_with(b"ICC_PROFILE\0\1\1" + device_profile(tone)[:60000], 0xE2))


@pytest.mark.parametrize("length", [0, 100, 131, 132, 200, 400])
def test_a_profile_of_any_length_is_no_reason_to_fail(length: int) -> None:
    photo.decode(png_with(iccp(device_profile()[:length])))
