"""Random views of a photo that imitate the processing by sites and networks, so that a perturbation survives it.

Source: expectation over transformations (Athalye, Engstrom, Ilyas, Kwok, Synthesizing robust adversarial examples, 2018).
"""

import torch
from torch import Tensor
from torch.nn import functional

from protectors.channel.jpeg import compressed

SMALLEST = 0.6
"""Smallest scale of a view."""

QUALITIES = (60, 95)
"""Range of the JPEG quality, in half of the views."""

KERNELS = ("bilinear", "bicubic")
"""Kernels for resizing, both antialiased as sites' are."""


def random_view(images: Tensor, chance: torch.Generator) -> Tensor:
    """Shrink images [B, 3, H, W] with a random kernel, and compress them by JPEG half the time; differentiable."""
    draws = torch.rand(4, generator=chance).tolist()
    scale = SMALLEST + (1 - SMALLEST) * draws[0]
    size = [max(1, round(side * scale)) for side in images.shape[2:]]
    made = functional.interpolate(images, size, mode=KERNELS[int(draws[1] * len(KERNELS))], align_corners=False, antialias=True)
    if draws[2] < 0.5:
        made = compressed(made, round(QUALITIES[0] + (QUALITIES[1] - QUALITIES[0]) * draws[3]))
    return made
