"""Differentiable resizing as Pillow and most services do it: each output pixel is a weighted mean of input pixels.

Source: Pillow's ``Resample.c``. A filter of fixed support, stretched by the scale if a photo is made smaller, with weights that
sum to one, is applied along the rows and then along the columns. Pillow rounds to 8 bits after each; the models here do not.
"""

import math
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Kernel = Literal["box", "bilinear", "bicubic", "lanczos"]

SUPPORT: dict[Kernel, float] = {"box": 0.5, "bilinear": 1.0, "bicubic": 2.0, "lanczos": 3.0}
"""Radius of each filter, in output pixels."""


def resized(images: Tensor, height: int, width: int) -> Tensor:
    """Resize images [B, 3, H, W] as adversaries do: bilinear with antialiasing.

    Images of 8-bit levels are resized in 8 bits, as programs do, and returned in [0, 1]. For 12 megapixels that takes a tenth
    of the time that floats take, on a CPU with AVX2.
    """
    if images.dtype == torch.uint8 and images.device.type != "cpu":
        images = shares(images)
    if images.shape[2:] != (height, width):
        images = functional.interpolate(images, (height, width), mode="bilinear", antialias=True, align_corners=False)
    return shares(images)


def shares(images: Tensor) -> Tensor:
    """Return 8-bit levels as floats in [0, 1]; floats are returned as they are."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images


def resampled(images: Tensor, height: int, width: int, kernel: Kernel) -> Tensor:
    """Resize images [B, 3, H, W] in [0, 1] with one of Pillow's filters; differentiable."""
    made = images
    if width != images.shape[3]:
        made = (made @ _weights(images.shape[3], width, kernel).to(images).T).clamp(0, 1)
    if height != images.shape[2]:
        made = _weights(images.shape[2], height, kernel).to(images) @ made
    # Bicubic and Lanczos overshoot at edges, and a file has no room for that.
    return made.clamp(0, 1)


@lru_cache(maxsize=16)
def _weights(before: int, after: int, kernel: Kernel) -> Tensor:
    """Return the weights [after, before] of one axis. They are sparse, but dense products are quick enough."""
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
