"""Random views of a photo: what sites and networks may make of it on its way, so that a perturbation survives them.

Source: expectation over transformations (Athalye, Engstrom, Ilyas, Kwok, Synthesizing robust adversarial examples, 2018).
"""

import torch
from torch import Tensor
from torch.nn import functional

from protectors.channel.jpeg import compressed

SMALLEST = 0.6
"""The least share of its sides that a photo is shown at."""

QUALITIES = (60, 95)
"""Of JPEG, in every second view."""

KERNELS = ("bilinear", "bicubic")
"""Both antialiased, as sites' are."""


def random_view(images: Tensor, chance: torch.Generator) -> Tensor:
    """Return images [B, 3, H, W] made smaller by a random kernel, and through JPEG every second time; differentiable."""
    draws = torch.rand(4, generator=chance).tolist()
    scale = SMALLEST + (1 - SMALLEST) * draws[0]
    size = [max(1, round(side * scale)) for side in images.shape[2:]]
    made = functional.interpolate(images, size, mode=KERNELS[int(draws[1] * len(KERNELS))], align_corners=False, antialias=True)
    if draws[2] < 0.5:
        made = compressed(made, round(QUALITIES[0] + (QUALITIES[1] - QUALITIES[0]) * draws[3]))
    return made
