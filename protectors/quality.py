"""Measures of how much a photo changed for people: PSNR, SSIM and FSIM on 8-bit pixels."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from protectors.judging.quality import Quality

STRIP = 64
"""Rows that PSNR and SSIM are computed on at a time."""

FSIM_SIDE = 256
"""Pixels that the shorter side of a photo is brought to before its features are looked at (Zhang et al., section III)."""

CELLS_A_STRIP = 32
"""Rows of cells that are averaged at a time."""

MIDDLE = 128.0
"""Taken from pixel values before their squares are summed."""


def as_planes(pixels: NDArray[np.uint8]) -> Tensor:
    """Turn uint8 [H, W, C] to float32 [C, H, W], levels as they are."""
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float()


def as_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """Turn uint8 [H, W, 3] to float32 [1, 3, H, W] in [0, 1]."""
    return as_planes(pixels)[None].div_(255)


def as_pixels(images: Tensor) -> NDArray[np.uint8]:
    """Turn float [1, 3, H, W] in [0, 1] to uint8 [H, W, 3], rounded to the nearest level."""
    levels = (images[0].detach() * 255).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())


def psnr(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio in dB over all values; infinite where nothing differs."""
    total = 0.0
    for top in range(0, first.shape[0], STRIP):
        rows = slice(top, top + STRIP)
        difference = first[rows].astype(np.float32) - second[rows].astype(np.float32)
        total += float(np.sum(np.square(difference), dtype=np.float64))
    error = total / first.size
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def ssim(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return the structural similarity, mean over channels and places: Gaussian window of 11 pixels, sigma 1.5.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment" (2004), section III.B. Photos smaller than the
    window are compared by their whole as one window.
    """
    size = window_size(first.shape[0], first.shape[1])
    total = 0.0
    places = first.shape[0] - size + 1
    # In strips, so that twelve megapixels do not need gigabytes.
    for top in range(0, places, STRIP):
        rows = slice(top, min(top + STRIP, places) + size - 1)
        # Round zero, which keeps float32 exact enough for variances.
        one, two = (as_planes(photo[rows])[:, None] - MIDDLE for photo in (first, second))
        total += float(likeness(one, two, size).sum(dtype=torch.float64))
    count = places * (first.shape[1] - size + 1) * first.shape[2]
    return total / float(count)


def fsim(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return the feature similarity of the brightness.

    Source: Zhang, Zhang, Mou, Zhang, "FSIM: a feature similarity index for image quality assessment" (2011), as piq has it.
    """
    # Its authors' first step, done here a strip at a time: whole, fifty megapixels would need gigabytes.
    cell = max(1, round(min(first.shape[:2]) / FSIM_SIDE))
    return fsim_of(averaged(first, cell), averaged(second, cell))


def fsim_of(first: Tensor, second: Tensor) -> float:
    """Return the feature similarity of photos [1, 3, h, w] in [0, 1] that are averaged already."""
    # Imported here: training and evaluations on bare GPU machines do without it.
    from piq import fsim as measured

    value = float(measured(first, second, chromatic=False))
    # Where a picture has no features at all, there are none to lose.
    return 1.0 if math.isnan(value) else value


def averaged(pixels: NDArray[np.uint8], cell: int) -> Tensor:
    """Return means over the whole square cells of uint8 [H, W, 3], as [1, 3, H / cell, W / cell] in [0, 1]."""
    if cell == 1:
        return as_tensor(pixels)
    rows, columns = pixels.shape[0] // cell, pixels.shape[1] // cell
    strips = [
        functional.avg_pool2d(as_planes(pixels[top : top + cell * CELLS_A_STRIP, : cell * columns]), cell)
        for top in range(0, cell * rows, cell * CELLS_A_STRIP)
    ]
    return torch.cat(strips, 1)[None] / 255


def measured(original: NDArray[np.uint8], changed: NDArray[np.uint8]) -> Quality:
    """Measure how like its original a photo is, both uint8 [H, W, 3]."""
    return Quality(psnr(original, changed), ssim(original, changed), fsim(original, changed))


def reaches(original: NDArray[np.uint8], changed: NDArray[np.uint8], floor: Quality) -> bool:
    """Return whether a photo is above a floor; the quickest measure is asked first, and the others only where it is met."""
    measures = ((psnr, floor.psnr), (ssim, floor.ssim), (fsim, floor.fsim))
    return all(measure(original, changed) >= least for measure, least in measures)


def ssim_of(first: Tensor, second: Tensor) -> Tensor:
    """Return the structural similarity [B] of images [B, 3, H, W] in [0, 1], differentiable; for files there is ``ssim``."""
    size = window_size(first.shape[2], first.shape[3])
    return likeness(first * 255 - MIDDLE, second * 255 - MIDDLE, size).mean((1, 2, 3))


def window_size(height: int, width: int) -> int:
    return min(11, height, width)


def likeness(one: Tensor, two: Tensor, size: int) -> Tensor:
    """Return the structural similarity at all places of planes [N, C, H, W] of levels round zero; ``size`` is the window's."""
    offsets = torch.arange(size, dtype=one.dtype, device=one.device) - (size - 1) / 2
    window = torch.exp(-offsets.square() / (2 * 1.5**2))
    window = window / window.sum()

    def blur(values: Tensor) -> Tensor:
        # Shifted sums: for one-channel planes far quicker on a CPU than a convolution.
        return weighted(weighted(values, window, 2), window, 3)

    mean_one, mean_two = blur(one), blur(two)
    variance_one = blur(one * one) - mean_one**2
    variance_two = blur(two * two) - mean_two**2
    covariance = blur(one * two) - mean_one * mean_two
    mean_one, mean_two = mean_one + MIDDLE, mean_two + MIDDLE
    small_mean, small_variance = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    shared = (2 * mean_one * mean_two + small_mean) * (2 * covariance + small_variance)
    return shared / ((mean_one**2 + mean_two**2 + small_mean) * (variance_one + variance_two + small_variance))


def weighted(values: Tensor, window: Tensor, axis: int) -> Tensor:
    """Return the sum of shifted copies along an axis, weighted by the window; as long as the shifts leave."""
    places = values.shape[axis] - len(window) + 1
    total = torch.zeros_like(values.narrow(axis, 0, places))
    for shift, weight in enumerate(window.tolist()):
        total.add_(values.narrow(axis, shift, places), alpha=weight)
    return total
