"""The five ways of image processing that SocialGuard is compared with (Xue et al., 2021, section 4).

Each takes uint8 [H, W, 3] and gives the same size. The strengths are ours, for photos of about 400 pixels: strong enough that
everybody sees what was done, weak enough that the photo still shows what it is of.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from protectors.channel.exact import through_jpeg
from protectors.evaluation.measurement import SEED
from protectors.saving import Pixels

DIMMED_TO = 0.3
"""The share of its light that a darkened photo keeps."""

BLUR_PIXELS = 3.0
"""Standard deviation of the Gaussian blur."""

TILE_PIXELS = 8
"""Side of a mosaic's tile."""

NOISE_LEVELS = 25.0
"""Standard deviation of the noise, in 8-bit levels."""

LOW_QUALITY = 10
"""Of JPEG, where the daemon's own is 95."""


def on_levels(values: NDArray[np.float32]) -> Pixels:
    """To the nearest of the 256 levels."""
    return values.round().clip(0, 255).astype(np.uint8)


def low_brightness(pixels: Pixels, share: float = DIMMED_TO) -> Pixels:
    """Every value times ``share``."""
    return on_levels(pixels * np.float32(share))


def gaussian_blur(pixels: Pixels, deviation: float = BLUR_PIXELS) -> Pixels:
    """``deviation`` in pixels; as Pillow blurs, by a few box filters in a row."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(deviation)))


def mosaic(pixels: Pixels, side: int = TILE_PIXELS) -> Pixels:
    """Tiles of ``side`` pixels in their mean colour; those at the right and lower edge may be cut."""
    height, width = pixels.shape[:2]
    tiles = np.array(Image.fromarray(pixels).reduce(side))
    return np.ascontiguousarray(tiles.repeat(side, 0).repeat(side, 1)[:height, :width])


def gaussian_noise(pixels: Pixels, deviation: float = NOISE_LEVELS, seed: int = SEED) -> Pixels:
    """Independent noise in every value, ``deviation`` in 8-bit levels; the same for the same seed and size."""
    noise = np.random.default_rng(seed).standard_normal(pixels.shape, np.float32)
    return on_levels(pixels + np.float32(deviation) * noise)


def low_quality_jpeg(pixels: Pixels, quality: int = LOW_QUALITY) -> Pixels:
    """As decoded again after JPEG."""
    return through_jpeg(pixels, quality)


BASELINES: dict[str, Callable[[Pixels], Pixels]] = {
    "brightness": low_brightness,
    "blur": gaussian_blur,
    "mosaic": mosaic,
    "noise": gaussian_noise,
    "jpeg": low_quality_jpeg,
}
"""By the name that their figures go under."""
