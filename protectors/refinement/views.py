"""Random views of a photo: what sites and networks may make of it on its way, so that a perturbation survives them.

Source: expectation over transformations (Athalye, Engstrom, Ilyas, Kwok, Synthesizing robust adversarial examples, 2018).
"""

import torch
from torch import Tensor

from protectors.channel.jpeg import compressed
from protectors.channel.resizing import Kernel, resampled

SMALLEST = 0.6
"""The least share of its sides that a photo is shown at."""

QUALITIES = (60, 95)
"""Of JPEG, in every second view."""

KERNELS: tuple[Kernel, ...] = ("bilinear", "bicubic", "lanczos")


def random_view(images: Tensor, chance: torch.Generator) -> Tensor:
    """Return images [B, 3, H, W] made smaller by a random kernel, and through JPEG every second time; differentiable."""
    draws = torch.rand(4, generator=chance).tolist()
    scale = SMALLEST + (1 - SMALLEST) * draws[0]
    height, width = (max(1, round(side * scale)) for side in images.shape[2:])
    made = resampled(images, height, width, KERNELS[int(draws[1] * len(KERNELS))])
    if draws[2] < 0.5:
        made = compressed(made, round(QUALITIES[0] + (QUALITIES[1] - QUALITIES[0]) * draws[3]))
    return made
