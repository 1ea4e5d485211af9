"""From every mode that Pillow decodes to 8-bit RGB and alpha, with a colour profile while one is needed."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

from daemon.formats.icc import Profile, rebuilt

_STRETCH = {1: 255, 2: 85, 4: 17}
"""From grey of so many bits to 0..255."""

DAMAGED = "The file's colour profile is damaged; its colours were taken as if it had none."
CONVERTED = "The colours were converted to sRGB, because the file's colour profile cannot go out as it is."
MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's mode for each colour space of a profile."""


@dataclass(frozen=True)
class Colours:
    """RGB and alpha (None where there is no transparency), and the ICC profile of these RGB values (None: sRGB)."""

    rgb: Image.Image
    alpha: Image.Image | None
    profile: bytes | None


def read_colours(image: Image.Image, stated: object, depth: int, notes: list[str], outranked: bool = False) -> Colours:
    """The colours of a loaded image.

    Args:
        image: of any mode that JPEG, PNG or WebP decode to.
        stated: what the file has as an ICC profile, whatever that is.
        depth: bits a channel in the file.
        notes: where what could not be kept is said.
        outranked: whether something else in the file counts for more than the profile, so that nothing is converted through it.
    """
    alpha = _alpha(image, depth)
    profile = Profile.of(stated)
    if outranked and (profile is None or rebuilt(profile) is None or image.mode not in ("RGB", "RGBA", "P", "PA")):
        profile = None
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    if image.mode == "CMYK":
        return Colours(_converted(image, profile, ("CMYK",), notes), None, None)
    if image.mode in ("1", "L", "LA", "La"):
        grey = image.convert("L") if image.mode == "1" else image.getchannel(0)
        return Colours(_converted(grey, profile, ("GRAY", "RGB"), notes), alpha, None)
    if image.mode in ("P", "PA") and alpha is not None:
        image = image.convert("RGBA")
    # convert("RGB") drops alpha and keeps the colours under transparent pixels.
    rgb = image.convert("RGB")
    kept = rebuilt(profile) if profile is not None else None
    return Colours(rgb if kept is not None else _converted(rgb, profile, ("RGB",), notes), alpha, kept)


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


def _converted(image: Image.Image, profile: Profile | None, spaces: tuple[str, ...], notes: list[str]) -> Image.Image:
    """To sRGB through the image's own profile; by Pillow's plain formula where there is none, or it is of no use.

    Browsers pass over a profile for other colours than the image's. Grey with a profile for RGB is shown through it: in a JPEG
    by both, in a PNG by Chromium 156 alone (Firefox 153, with libpng, passes over it there). We follow Chromium.
    """
    if profile is None or profile.space not in spaces:
        return image.convert("RGB")
    try:
        converted = ImageCms.profileToProfile(
            image.convert(MODES[profile.space]),
            ImageCms.ImageCmsProfile(io.BytesIO(profile.data)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append(DAMAGED)
        return image.convert("RGB")
    if converted is None:
        return image.convert("RGB")
    notes.append(CONVERTED)
    return converted
