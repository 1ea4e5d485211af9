"""How much a photo changed, as people measure it: PSNR and SSIM on 8-bit pixels."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional


def as_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """uint8 [H, W, 3] to float32 [1, 3, H, W] in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float() / 255


def as_pixels(images: Tensor) -> NDArray[np.uint8]:
    """float [1, 3, H, W] in [0, 1] to uint8 [H, W, 3], rounded to the nearest level."""
    levels = (images[0].detach() * 255).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())


def psnr(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio in dB over all values; infinite where nothing differs."""
    difference = first.astype(np.float32) - second.astype(np.float32)
    error = float(np.mean(np.square(difference), dtype=np.float64))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def ssim(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Structural similarity, mean over channels and places: Gaussian window of 11 pixels, sigma 1.5.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment" (2004), section III.B. Photos smaller than the
    window are compared by their whole as one window.
    """
    planes = torch.from_numpy(np.stack([first, second])).permute(0, 3, 1, 2).double()
    size = min(11, *planes.shape[2:])
    offsets = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    window = torch.exp(-offsets.square() / (2 * 1.5**2))
    window = window / window.sum()

    def blur(values: Tensor) -> Tensor:
        flat = values.reshape(-1, 1, *values.shape[-2:])
        return functional.conv2d(functional.conv2d(flat, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))

    one, two = planes
    mean_one, mean_two = blur(one), blur(two)
    variance_one = blur(one * one) - mean_one**2
    variance_two = blur(two * two) - mean_two**2
    covariance = blur(one * two) - mean_one * mean_two
    small_mean, small_variance = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    likeness = (2 * mean_one * mean_two + small_mean) * (2 * covariance + small_variance)
    likeness /= (mean_one**2 + mean_two**2 + small_mean) * (variance_one + variance_two + small_variance)
    return float(likeness.mean())
