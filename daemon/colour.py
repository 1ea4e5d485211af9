"""From every mode that Pillow decodes to 8-bit RGB and alpha, with the colour profile while it tells the truth."""

import io
import struct
from dataclasses import dataclass
from typing import Self

import numpy as np
from PIL import Image, ImageCms

_STRETCH = {1: 255, 2: 85, 4: 17}
"""From grey of so many bits to 0..255."""


@dataclass(frozen=True)
class Profile:
    """An ICC profile: its bytes, cut to the length that it states, and its colour space ("RGB ", "CMYK", "GRAY"…)."""

    data: bytes
    space: str

    @classmethod
    def of(cls, data: object) -> Self | None:
        """None unless it looks like a profile: the slot is a place to hide other things in."""
        if not isinstance(data, bytes) or len(data) < 132 or data[36:40] != b"acsp":
            return None
        length = struct.unpack(">I", data[:4])[0]
        if not 132 <= length <= len(data):
            return None
        return cls(data[:length], data[16:20].decode("latin-1"))


def kept_profile(profile: Profile | None, notes: list[str]) -> bytes | None:
    """The profile for the RGB that goes out; one of another colour space would lie about it."""
    if profile is None:
        return None
    if profile.space == "RGB ":
        return profile.data
    notes.append("The colours were converted to sRGB, because the file's colour profile is not for RGB.")
    return None


def to_rgb(image: Image.Image, profile: Profile | None, depth: int, notes: list[str]) -> tuple[Image.Image, Image.Image | None]:
    """RGB and alpha of a loaded image; alpha is None where it has no transparency.

    Args:
        image: of any mode that JPEG, PNG or WebP decode to.
        profile: of the image, used to convert CMYK and greyscale.
        depth: bits a channel in the file.
        notes: where what could not be kept is said.
    """
    alpha = _alpha(image, depth)
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    if image.mode == "CMYK":
        return _through_profile(image, profile, "CMYK", notes), None
    if image.mode in ("1", "L", "LA", "La"):
        grey = image.convert("L") if image.mode == "1" else image.getchannel(0)
        return _through_profile(grey, profile, "GRAY", notes), alpha
    if image.mode in ("P", "PA") and alpha is not None:
        return image.convert("RGBA").convert("RGB"), alpha
    # convert("RGB") drops alpha and keeps the colours under transparent pixels.
    return image.convert("RGB"), alpha


def _alpha(image: Image.Image, depth: int) -> Image.Image | None:
    if image.mode in ("RGBA", "LA", "PA"):
        return image.getchannel("A")
    transparent = image.info.get("transparency")
    if transparent is None:
        return None
    if image.mode == "P":
        return image.convert("RGBA").getchannel("A")
    values = np.asarray(image.convert("L") if image.mode == "1" else image)
    if image.mode == "RGB" and isinstance(transparent, tuple):
        key = np.array([value >> 8 if depth == 16 else value for value in transparent])
        clear = (values == key).all(axis=-1)
    elif isinstance(transparent, int):
        # Bits of the key beyond the depth do not count (PNG, tRNS), and Pillow stretches the samples only.
        clear = values == (transparent & (2**depth - 1)) * _STRETCH.get(depth, 1)
    else:
        return None
    return Image.fromarray(np.where(clear, 0, 255).astype(np.uint8))


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64).clip(0, 65535)
    return Image.fromarray((values >> 8).astype(np.uint8))


def _through_profile(image: Image.Image, profile: Profile | None, space: str, notes: list[str]) -> Image.Image:
    """To sRGB through the image's own profile; by Pillow's plain formula where there is none, or it is damaged."""
    if profile is None or profile.space.strip() != space:
        return image.convert("RGB")
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile.data)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("The file's colour profile is damaged; its colours were converted without it.")
        return image.convert("RGB")
    return converted if converted is not None else image.convert("RGB")
