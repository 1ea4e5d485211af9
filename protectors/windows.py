"""Samples windows of a large photo to search for the share of its perturbation, instead of measuring the whole photo.

Measuring a photo of twelve megapixels takes seconds. Windows that lie on the grid of JPEG's blocks are saved exactly as in the
whole photo, so their measures estimate the whole photo's. The delivered file itself is measured whole.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from protectors.colour_difference import mean_colour_difference
from protectors.feature_similarity import FeatureSimilarity
from protectors.judging.quality import Quality
from protectors.native import STRIP, NativePerturbation
from protectors.quality import MIDDLE, as_planes, as_small, likeness, psnr, window_size
from protectors.saving import Pixels, Save

SIDE = 64
"""Side of a window in pixels: four of JPEG's largest blocks."""

BLOCK = 16
ROWS, COLUMNS = 8, 12

LARGE = 1_500_000
"""Least number of pixels of a photo that is measured by windows."""


@dataclass(frozen=True)
class Spread:
    """The positions of windows: the top of each row, and the left of each window in it."""

    tops: tuple[int, ...]
    lefts: tuple[tuple[int, ...], ...]

    @classmethod
    def over(cls, height: int, width: int) -> "Spread":
        """Spread windows evenly over a photo; every second row is shifted left by half a distance."""
        tops = tuple(_place((row + 0.5) / ROWS, height) for row in range(ROWS))
        shifts = [0.25 if row % 2 else 0.75 for row in range(ROWS)]
        lefts = tuple(tuple(_place((column + shift) / COLUMNS, width) for column in range(COLUMNS)) for shift in shifts)
        return cls(tops, lefts)

    def mosaic(self, planes: Tensor) -> Tensor:
        """Join the windows of planes [1, C, H, W] into one picture [1, C, ROWS * SIDE, COLUMNS * SIDE]."""
        rows = [planes[:, :, top : top + SIDE] for top in self.tops]
        return torch.cat([self.joined(row, planes) for row, planes in enumerate(rows)], 2)

    def joined(self, row: int, planes: Tensor) -> Tensor:
        """Join the windows of one row, from its planes [1, C, SIDE, W], into [1, C, SIDE, COLUMNS * SIDE]."""
        return torch.cat([planes[..., left : left + SIDE] for left in self.lefts[row]], 3)


def _place(share: float, length: int) -> int:
    middle = share * length - SIDE / 2
    return int(min(max(0, middle), length - SIDE) // BLOCK * BLOCK)


class PhotoWindows:
    """The windows of a large photo uint8 [H, W, 3], and its averages over cells, on which FSIM is computed."""

    def __init__(self, original: Pixels) -> None:
        self._spread = Spread.over(*original.shape[:2])
        self.original = self.of(original)
        self.averages = as_small(original)
        self.features = FeatureSimilarity(self.averages)

    def of(self, pixels: Pixels) -> Pixels:
        """Return the windows of another photo of the same size, joined into one picture."""
        return np.ascontiguousarray(self._spread.mosaic(torch.from_numpy(pixels).permute(2, 0, 1)[None])[0].permute(1, 2, 0))

    def perturbed(self, whole: NativePerturbation) -> NativePerturbation:
        """Return the photo's windows with a perturbation of the whole photo."""
        spread = self._spread
        rows = [spread.joined(row, whole.enlarged_rows(top, top + SIDE)) for row, top in enumerate(spread.tops)]
        return NativePerturbation(self.original, torch.cat(rows, 2), whole.radius)

    def averaged_perturbation(self, whole: NativePerturbation) -> Tensor:
        """Return a perturbation averaged over the cells."""
        size = [self.averages.shape[2], self.averages.shape[3]]
        return functional.interpolate(whole.perturbation.cpu(), size, mode="bilinear", align_corners=False, antialias=True)

    def quality(self, decoded: Pixels) -> Quality:
        """Return the quality of windows that were saved and decoded; FSIM, which saving hardly changes, is set to 1."""
        colours = mean_colour_difference(self.original, decoded)
        return Quality(psnr(self.original, decoded), _ssim(self.original, decoded), 1.0, colours)


class WindowedPhoto:
    """The windows of a large photo with shares of a perturbation."""

    def __init__(self, windows: PhotoWindows, whole: NativePerturbation) -> None:
        self._windows = windows
        self._perturbed = windows.perturbed(whole)
        self._error = mean_square(whole)
        self._averaged = windows.averaged_perturbation(whole)

    def quality(self, share: float, save: Save, without: Quality) -> Quality | None:
        """Return the quality of the photo with a share of the perturbation, or None if its file would be too large.

        ``without`` is the quality after saving alone. PSNR is computed from the whole perturbation, since a few windows miss it
        by a decibel in a photo with a quiet and a busy half.
        """
        file = save(self._perturbed.pixels(share))
        if file is None:
            return None
        averages = self._windows.averages
        features = self._windows.features.of((averages + share * self._averaged).clamp(0, 1))
        error = share**2 * self._error + 10 ** (-without.psnr / 10)
        decibels = -10 * math.log10(max(error, 1e-12))
        return replace(self._windows.quality(file.pixels), psnr=decibels, fsim=features)


def mean_square(whole: NativePerturbation) -> float:
    """Return the mean square of a perturbation over the native photo, in units of the full range."""
    height, total = whole.size[0], 0.0
    for top in range(0, height, STRIP):
        rows = whole.enlarged_rows(top, min(top + STRIP, height))
        total += float(rows.clamp(-whole.radius, whole.radius).square().sum(dtype=torch.float64))
    return total / whole.native.size


def _ssim(first: Pixels, second: Pixels) -> float:
    """Return the mean structural similarity of two mosaics, computed within their windows only."""
    one, two = (_windows(as_planes(mosaic) - MIDDLE) for mosaic in (first, second))
    return float(likeness(one, two, window_size(SIDE, SIDE)).mean(dtype=torch.float64))


def _windows(planes: Tensor) -> Tensor:
    """Return the windows [N, 1, SIDE, SIDE] of a mosaic's planes [C, H, W]."""
    return planes.unfold(1, SIDE, SIDE).unfold(2, SIDE, SIDE).reshape(-1, 1, SIDE, SIDE)
