"""The five kinds of image processing that SocialGuard is compared with (Xue et al., 2021, section 4).

Each maps uint8 [H, W, 3] to the same size. The strengths are ours, for photos of about 400 pixels: strong enough that everybody
notices the processing, and weak enough that the subject can still be recognised.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from protectors.channel.exact import through_jpeg
from protectors.evaluation.measurement import SEED
from protectors.saving import Pixels

DIMMED_TO = 0.3
"""Factor on the values of a darkened photo."""

BLUR_PIXELS = 3.0
"""Standard deviation of the Gaussian blur in pixels."""

TILE_PIXELS = 8
"""Side of a mosaic's tile in pixels."""

NOISE_LEVELS = 25.0
"""Standard deviation of the noise, in 8-bit levels."""

LOW_QUALITY = 10
"""JPEG quality; the daemon's is 98."""


def on_levels(values: NDArray[np.float32]) -> Pixels:
    """Round values to the nearest of the 256 levels."""
    return values.round().clip(0, 255).astype(np.uint8)


def low_brightness(pixels: Pixels, share: float = DIMMED_TO) -> Pixels:
    """Multiply every value by ``share``."""
    return on_levels(pixels * np.float32(share))


def gaussian_blur(pixels: Pixels, deviation: float = BLUR_PIXELS) -> Pixels:
    """Blur with ``deviation`` in pixels, as Pillow does by a sequence of box filters."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(deviation)))


def mosaic(pixels: Pixels, side: int = TILE_PIXELS) -> Pixels:
    """Fill tiles of ``side`` pixels with their mean colour; tiles at the right and lower edges may be cut."""
    height, width = pixels.shape[:2]
    tiles = np.array(Image.fromarray(pixels).reduce(side))
    return np.ascontiguousarray(tiles.repeat(side, 0).repeat(side, 1)[:height, :width])


def gaussian_noise(pixels: Pixels, deviation: float = NOISE_LEVELS, seed: int = SEED) -> Pixels:
    """Add independent noise to every value, with ``deviation`` in 8-bit levels."""
    noise = np.random.default_rng(seed).standard_normal(pixels.shape, np.float32)
    return on_levels(pixels + np.float32(deviation) * noise)


def low_quality_jpeg(pixels: Pixels, quality: int = LOW_QUALITY) -> Pixels:
    """Return the pixels that are decoded after saving as JPEG."""
    return through_jpeg(pixels, quality)


BASELINES: dict[str, Callable[[Pixels], Pixels]] = {
    "brightness": low_brightness,
    "blur": gaussian_blur,
    "mosaic": mosaic,
    "noise": gaussian_noise,
    "jpeg": low_quality_jpeg,
}
"""The kinds of processing by the name of their figures."""
