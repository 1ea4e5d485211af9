"""Resizing as Pillow does it, and with it most services: each output pixel a weighted mean of the input pixels it covers.

Source: Pillow's ``Resample.c``: a filter of a fixed support, stretched by the scale where a photo is made smaller, its weights
summing to one, first along the rows and then along the columns. The models here are that to float's exactness; Pillow rounds
to 8 bits after each of the two.
"""

import math
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Kernel = Literal["box", "bilinear", "bicubic", "lanczos"]

SUPPORT: dict[Kernel, float] = {"box": 0.5, "bilinear": 1.0, "bicubic": 2.0, "lanczos": 3.0}
"""In output pixels, to either side."""


def resized(images: Tensor, height: int, width: int) -> Tensor:
    """Images [B, 3, H, W] at another size as adversaries resize what they read: bilinear, with what is lost averaged in."""
    return functional.interpolate(images, (height, width), mode="bilinear", antialias=True, align_corners=False)


def resampled(images: Tensor, height: int, width: int, kernel: Kernel) -> Tensor:
    """Images [B, 3, H, W] in [0, 1] at another size by one of Pillow's filters; differentiable."""
    made = images
    if width != images.shape[3]:
        made = (made @ _weights(images.shape[3], width, kernel).to(images).T).clamp(0, 1)
    if height != images.shape[2]:
        made = _weights(images.shape[2], height, kernel).to(images) @ made
    # Bicubic and Lanczos overshoot at edges, and a file has no room for that.
    return made.clamp(0, 1)


@lru_cache(maxsize=16)
def _weights(before: int, after: int, kernel: Kernel) -> Tensor:
    """The weights [after, before] of one axis; sparse for what they are, but dense products are quick enough."""
    scale = before / after
    stretch = max(scale, 1.0)
    support = SUPPORT[kernel] * stretch
    weights = torch.zeros(after, before, dtype=torch.float64)
    for place in range(after):
        centre = (place + 0.5) * scale
        first, last = max(0, int(centre - support + 0.5)), min(before, int(centre + support + 0.5))
        row = torch.tensor([_filter((at - centre + 0.5) / stretch, kernel) for at in range(first, last)], dtype=torch.float64)
        weights[place, first:last] = row / row.sum()
    return weights


def _filter(x: float, kernel: Kernel) -> float:
    x = abs(x)
    if kernel == "box":
        return 1.0 if x <= SUPPORT[kernel] else 0.0
    if kernel == "bilinear":
        return max(0.0, 1 - x)
    if kernel == "bicubic":
        # Keys (Cubic convolution interpolation, 1981) with a = -0.5.
        if x < 1:
            return (1.5 * x - 2.5) * x * x + 1
        return ((-0.5 * x + 2.5) * x - 4) * x + 2 if x < 2 else 0.0
    return _sinc(x) * _sinc(x / 3) if x < 3 else 0.0


def _sinc(x: float) -> float:
    return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)
