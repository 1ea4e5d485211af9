"""Measures a photo's quality beside its original: PSNR, SSIM, FSIM and the colour difference on 8-bit pixels."""

import math
from collections.abc import Callable, Sequence
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from protectors.colour_difference import mean_colour_difference
from protectors.feature_similarity import FeatureSimilarity
from protectors.judging.quality import Quality
from protectors.lanes import side_by_side
from protectors.saving import Pixels

STRIP = 64
"""Rows of a photo that PSNR and SSIM process at a time."""

FSIM_SIDE = 256
"""Length in pixels to which FSIM averages the shorter side of a photo (Zhang et al., section III)."""

CELLS_A_STRIP = 32
"""Rows of cells that FSIM averages at a time."""

MIDDLE = 128.0
"""Subtracted from pixel values before their squares are summed, which keeps float32 exact enough for variances."""


def as_planes(pixels: Pixels) -> Tensor:
    """Turn uint8 [H, W, C] into float32 [C, H, W] with the same levels."""
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float()


def as_tensor(pixels: Pixels) -> Tensor:
    """Turn uint8 [H, W, 3] into float32 [1, 3, H, W] in [0, 1]."""
    return as_planes(pixels)[None].div_(255)


def as_levels(pixels: Pixels) -> Tensor:
    """Return uint8 [H, W, 3] as uint8 [1, 3, H, W], in the same memory where that may be written."""
    return torch.from_numpy(np.require(pixels, requirements="W")).permute(2, 0, 1)[None]


def as_pixels(images: Tensor) -> Pixels:
    """Turn float [1, 3, H, W] in [0, 1] into uint8 [H, W, 3], rounded to the nearest level."""
    levels = (images[0].detach() * 255).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())


def largest_difference(first: Pixels, second: Pixels) -> int:
    """Return the largest difference between two values in the same place."""
    strips = [slice(top, top + STRIP) for top in range(0, first.shape[0], STRIP)]
    # The larger less the smaller value is no overflow in 8 bits, which take less time than wider numbers.
    return max(int((np.maximum(first[rows], second[rows]) - np.minimum(first[rows], second[rows])).max()) for rows in strips)


def psnr(first: Pixels, second: Pixels) -> float:
    """Return the peak signal-to-noise ratio in dB over all values; infinite if nothing differs."""
    total = 0.0
    for top in range(0, first.shape[0], STRIP):
        rows = slice(top, top + STRIP)
        difference = first[rows].astype(np.float32) - second[rows].astype(np.float32)
        total += float(np.sum(np.square(difference), dtype=np.float64))
    error = total / first.size
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def ssim(first: Pixels, second: Pixels) -> float:
    """Return the mean structural similarity over channels and places, with a Gaussian window of 11 pixels and sigma 1.5.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment" (2004), section III.B. A photo smaller than the window
    is compared as one window.
    """
    return _mean(side_by_side(_strips(first, second)), first)


def _strips(first: Pixels, second: Pixels) -> list[Callable[[], float]]:
    """Return one call for each strip of two photos, which returns the sum of the structural similarity over its places.

    Strips keep twelve megapixels from needing gigabytes.
    """
    size = window_size(first.shape[0], first.shape[1])
    places = first.shape[0] - size + 1

    def total(top: int) -> float:
        rows = slice(top, min(top + STRIP, places) + size - 1)
        one, two = (as_planes(photo[rows])[:, None] - MIDDLE for photo in (first, second))
        return float(likeness(one, two, size).sum(dtype=torch.float64))

    return [partial(total, top) for top in range(0, places, STRIP)]


def _mean(totals: Sequence[float], photo: Pixels) -> float:
    size = window_size(photo.shape[0], photo.shape[1])
    count = (photo.shape[0] - size + 1) * (photo.shape[1] - size + 1) * photo.shape[2]
    return sum(totals) / float(count)


def fsim(first: Pixels, second: Pixels) -> float:
    """Return the feature similarity of the brightness (``feature_similarity``)."""
    return FeatureSimilarity(as_small(first)).of(as_small(second))


def as_small(photo: Pixels) -> Tensor:
    """Return a photo as small as FSIM reads it, as its first step."""
    return averaged(photo, max(1, round(min(photo.shape[:2]) / FSIM_SIDE)))


def averaged(pixels: Pixels, cell: int) -> Tensor:
    """Return the means [1, 3, H // cell, W // cell] in [0, 1] over square cells of uint8 [H, W, 3]."""
    if cell == 1:
        return as_tensor(pixels)
    rows, columns = pixels.shape[0] // cell, pixels.shape[1] // cell
    strips = [
        functional.avg_pool2d(as_planes(pixels[top : top + cell * CELLS_A_STRIP, : cell * columns]), cell)
        for top in range(0, cell * rows, cell * CELLS_A_STRIP)
    ]
    return torch.cat(strips, 1)[None] / 255


class QualityMeter:
    """Measures the quality of changed photos beside one original uint8 [H, W, 3], whose features it finds once."""

    def __init__(self, original: Pixels) -> None:
        self._original = original

    @cached_property
    def _features(self) -> FeatureSimilarity:
        return FeatureSimilarity(as_small(self._original))

    def of(self, changed: Pixels) -> Quality:
        """Return the quality of a changed photo uint8 [H, W, 3]."""
        original = self._original

        def features() -> float:
            return self._features.of(as_small(changed))

        # The features take longest, so they begin first.
        found, *strips = side_by_side([features, *_strips(original, changed)])
        return Quality(psnr(original, changed), _mean(strips, original), found, mean_colour_difference(original, changed))


def measured(original: Pixels, changed: Pixels) -> Quality:
    """Measure the quality of a changed photo beside its original, both uint8 [H, W, 3]."""
    return QualityMeter(original).of(changed)


def reaches(original: Pixels, changed: Pixels, floor: Quality) -> bool:
    """Return whether a photo is above a floor. Measures are computed from quick to slow, until one fails."""
    measures = ((psnr, floor.psnr), (ssim, floor.ssim), (fsim, floor.fsim))
    if mean_colour_difference(original, changed) > floor.delta_e:
        return False
    return all(measure(original, changed) >= least for measure, least in measures)


def ssim_of(first: Tensor, second: Tensor) -> Tensor:
    """Return the structural similarity [B] of images [B, 3, H, W] in [0, 1]; differentiable. ``ssim`` is for files."""
    size = window_size(first.shape[2], first.shape[3])
    return likeness(first * 255 - MIDDLE, second * 255 - MIDDLE, size).mean((1, 2, 3))


def window_size(height: int, width: int) -> int:
    return min(11, height, width)


def likeness(one: Tensor, two: Tensor, size: int) -> Tensor:
    """Return the structural similarity at all places of planes [N, C, H, W] of levels minus ``MIDDLE``; ``size`` is the
    window's."""
    offsets = torch.arange(size, dtype=one.dtype, device=one.device) - (size - 1) / 2
    window = torch.exp(-offsets.square() / (2 * 1.5**2))
    window = window / window.sum()

    def blur(values: Tensor) -> Tensor:
        # For one-channel planes, shifted sums are far quicker on a CPU than a convolution.
        return weighted(weighted(values, window, 2), window, 3)

    # The sum and the difference of two pictures need four blurs, where the pictures themselves and their product need five.
    total, change = one + two, one - two
    mean_total, mean_change = blur(total), blur(change)
    variance_total = blur(total * total) - mean_total**2
    variance_change = blur(change * change) - mean_change**2
    squares_total, squares_change = (mean_total + 2 * MIDDLE) ** 2, mean_change**2
    small_mean, small_variance = 2 * (0.01 * 255) ** 2, 2 * (0.03 * 255) ** 2
    shared = (squares_total - squares_change + small_mean) * (variance_total - variance_change + small_variance)
    return shared / ((squares_total + squares_change + small_mean) * (variance_total + variance_change + small_variance))


def weighted(values: Tensor, window: Tensor, axis: int) -> Tensor:
    """Correlate values with a window along an axis, without padding."""
    places = values.shape[axis] - len(window) + 1
    total = torch.zeros_like(values.narrow(axis, 0, places))
    for shift, weight in enumerate(window.tolist()):
        total.add_(values.narrow(axis, shift, places), alpha=weight)
    return total
