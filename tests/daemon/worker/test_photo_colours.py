"""Photos through decode and encode: colours, profiles, palettes, alpha and depth stay what they were."""

from typing import Any

import numpy as np
import pytest

from daemon.worker import photo
from tests.daemon import samples
from tests.daemon.samples import SECRET, alpha_plane, astronaut, opened, saved
from tests.daemon.worker.test_photo import array, through

# Colour.


@pytest.mark.parametrize("fake", [SECRET.encode() * 40, b"x" * 36 + b"acsp" + SECRET.encode() * 40])
def test_what_is_no_profile_does_not_pass_as_one(fake: bytes) -> None:
    read = photo.decode(saved(astronaut(), "JPEG", icc_profile=fake))
    assert SECRET.encode() not in photo.encode(read, read.pixels)


def test_grey_goes_through_its_profile_and_the_profile_is_dropped() -> None:
    grey = astronaut().convert("L")
    plain = photo.decode(saved(grey, "PNG"))
    read, out = through(saved(grey, "PNG", icc_profile=samples.grey_profile()))
    assert "icc_profile" not in out.info
    assert any("sRGB" in note for note in read.notes)
    # Linear light is darker in numbers than sRGB.
    assert read.pixels.mean() > plain.pixels.mean() + 10


def test_cmyk_goes_through_its_profile() -> None:
    read, out = through(saved(astronaut().convert("CMYK"), "JPEG", icc_profile=samples.cmyk_profile()))
    assert out.mode == "RGB"
    assert "icc_profile" not in out.info
    assert read.pixels.std() < 2, "the profile makes everything the same grey"


def test_a_damaged_profile_is_said_and_not_fatal() -> None:
    damaged = bytearray(samples.cmyk_profile())
    damaged[140:] = bytes(len(damaged) - 140)
    read, _ = through(saved(astronaut().convert("CMYK"), "JPEG", icc_profile=bytes(damaged)))
    assert any("damaged" in note for note in read.notes)
    assert np.abs(read.pixels.astype(int) - array(astronaut())).mean() < 12


def test_adobe_cmyk_is_not_inverted() -> None:
    """Pillow writes CMYK JPEGs as Adobe does, inverted and marked; a negative would be far off."""
    data = saved(astronaut().convert("CMYK"), "JPEG", quality=95)
    assert b"Adobe" in data
    read, out = through(data)
    assert out.mode == "RGB"
    assert np.abs(read.pixels.astype(int) - array(astronaut())).mean() < 12


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "1"])
def test_the_meaning_of_png_numbers_is_kept(mode: str) -> None:
    """Browsers follow it in every mode: without it, a picture of gamma 1.0 would come out darker."""
    data = saved(astronaut().convert(mode), "PNG")
    gamma = samples.png_chunk(b"gAMA", (100000).to_bytes(4, "big"))
    read = photo.decode(data[:33] + gamma + data[33:])
    assert gamma in photo.encode(read, read.pixels)


def test_a_profile_overrules_what_png_says_of_its_numbers() -> None:
    data = saved(astronaut().convert("L"), "PNG", icc_profile=samples.grey_profile())
    gamma = samples.png_chunk(b"gAMA", (100000).to_bytes(4, "big"))
    read = photo.decode(data[:33] + gamma + data[33:])
    assert b"gAMA" not in photo.encode(read, read.pixels)


# Modes.


def test_greyscale_becomes_rgb_of_the_same_type() -> None:
    for kind in ("JPEG", "PNG"):
        data = saved(astronaut().convert("L"), kind)
        read, out = through(data)
        assert (out.format, out.mode) == (kind, "RGB")
        assert (read.pixels == array(opened(data))[..., None]).all()


def test_grey_with_alpha() -> None:
    image = astronaut().convert("LA")
    image.putalpha(alpha_plane())
    _, out = through(saved(image, "PNG"))
    assert out.mode == "RGBA"
    assert (array(out)[..., 3] == array(alpha_plane())).all()
    assert (array(out)[..., 0] == array(image)[..., 0]).all()


def test_one_bit() -> None:
    image = astronaut().convert("1")
    _, out = through(saved(image, "PNG"))
    assert (array(out) == array(image.convert("RGB"))).all()


def test_palette() -> None:
    image = astronaut().quantize(64)
    _, out = through(saved(image, "PNG"))
    assert out.mode == "RGB"
    assert (array(out) == array(image.convert("RGB"))).all()


@pytest.mark.parametrize("transparency", [5, bytes(range(0, 256, 4))], ids=["one colour", "a table"])
def test_palette_with_transparency(transparency: int | bytes) -> None:
    image = astronaut().quantize(64)
    data = saved(image, "PNG", transparency=transparency)
    _, out = through(data)
    assert out.mode == "RGBA"
    assert (array(out) == array(opened(data).convert("RGBA"))).all()
    assert len(np.unique(array(out)[..., 3])) > 1
    assert (array(out)[..., :3] == array(image.convert("RGB"))).all(), "colours under transparent pixels stay"


@pytest.mark.parametrize("mode", ["L", "RGB", "1"])
def test_a_transparent_colour(mode: str) -> None:
    image = astronaut().convert(mode)
    colour = image.getpixel((3, 3))
    assert colour is not None
    if mode == "1":
        colour = int(bool(colour))
    _, out = through(saved(image, "PNG", transparency=colour))
    assert array(out)[3, 3, 3] == 0
    same = (array(image.convert("RGB")) == array(image.convert("RGB"))[3, 3]).all(axis=-1)
    assert ((array(out)[..., 3] == 0) == same).all()


@pytest.mark.parametrize("unused", [0, 0x0100], ids=["", "with bits that do not count"])
@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_transparent_grey_of_few_bits(depth: int, unused: int) -> None:
    top = 2**depth - 1
    values = (np.arange(64 * 96).reshape(64, 96) % (top + 1)).astype(np.uint8)
    # Pillow tells of a key of one bit only whether it is 0.
    key = top if depth == 1 else top // 3
    chunk = samples.png_chunk(b"tRNS", (key | unused).to_bytes(2, "big"))
    _, out = through(samples.grey_png(values, depth, chunk))
    assert ((array(out)[..., 3] == 0) == (values == key)).all()
    assert (array(out)[..., 0] == values * (255 // top)).all()


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("WEBP", {"quality": 80, "alpha_quality": 100})],
    ids=["PNG", "lossless WebP", "WebP"],
)
def test_alpha_is_kept_bit_for_bit(kind: str, options: dict[str, Any]) -> None:
    image = astronaut().convert("RGBA")
    image.putalpha(alpha_plane())
    read, out = through(saved(image, kind, **options))
    assert out.mode == "RGBA"
    assert (array(out)[..., 3] == array(alpha_plane())).all()
    if kind == "PNG" or "lossless" in options:
        assert (array(out)[..., :3] == array(astronaut())).all(), "colours under transparent pixels stay"
        assert read.lossless


@pytest.mark.parametrize("channels", [1, 2, 3, 4], ids=["grey", "grey and alpha", "RGB", "RGBA"])
def test_sixteen_bits_come_down_to_eight_and_say_so(channels: int) -> None:
    generator = np.random.default_rng(1)
    values = generator.integers(0, 65536, (64, 96, channels), dtype=np.uint16)
    read, out = through(samples.sixteen_bit_png(values))
    assert any("16-bit" in note for note in read.notes)
    assert out.mode == ("RGBA" if channels in (2, 4) else "RGB")
    expected = values / 257
    found = array(out).astype(float)
    if channels in (1, 2):
        assert np.abs(found[..., 0] - expected[..., 0]).max() <= 1
        assert (found[..., 0] == found[..., 1]).all()
    else:
        assert np.abs(found[..., :3] - expected[..., :3]).max() <= 1
    if channels in (2, 4):
        assert np.abs(found[..., 3] - expected[..., -1]).max() <= 1
