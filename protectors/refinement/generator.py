"""The generator of instant cloaks: it draws the maps of a perturbation in one pass over a photo.

Source: generative perturbations (Poursaeed, Katsman, Gao, Belongie, Generative adversarial perturbations, CVPR 2018), here with
the maps of ``field`` as the output: brightness at half and colour at a quarter of the resolution, in units of what is just
noticeable.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from protectors.adversaries.loading import checked_weights_file
from protectors.manifest import entry
from protectors.refinement.field import Maps
from protectors.weights import read_float

NAME = "instant"
"""In the manifest."""

SIDE = 416
"""Pixels of the longest side that a photo is read at: the largest size that a detector optimised on reads."""

BLOCK = 4
"""Pixels of a cell's side: the network works on cells."""

WIDTH = 64
DILATIONS = (1, 1, 2, 4, 8, 1)
"""Of the convolutions, so that a cell sees 140 pixels round it at the cost of small filters."""

LARGEST = 4.0
"""Of a map's values, in units of what is just noticeable, before the maps are brought to the size that is allowed."""


class CloakGenerator(nn.Module):
    """Six convolutions on cells of 4 x 4 pixels, and one head for brightness and colour; about 0.2 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3 * BLOCK**2, WIDTH, 1)
        self.layers = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=step, dilation=step) for step in DILATIONS)
        self.head = nn.Conv2d(WIDTH, 4 + 2, 3, padding=1)

    def forward(self, photo: Tensor) -> Maps:
        """Return the maps for a photo [1, 3, H, W] in [0, 1] whose sides are multiples of ``BLOCK``; differentiable."""
        made = self.first(functional.pixel_unshuffle(photo - 0.5, BLOCK))
        for layer in self.layers:
            made = made + functional.leaky_relu(layer(made), 0.1)
        values = LARGEST * torch.tanh(self.head(made) / LARGEST)
        return functional.pixel_shuffle(values[:, :4], 2), values[:, 4:]


def load_generator(device: torch.device) -> CloakGenerator:
    """Load the generator that is embedded.

    Raises:
        DamagedWeightsError: its weights are missing, or are not what the manifest says.
    """
    return cloak_generator(checked_weights_file(entry(NAME), None)).to(device)


def cloak_generator(weights: Path) -> CloakGenerator:
    """Return the generator of a safetensors file, frozen."""
    generator = CloakGenerator()
    generator.load_state_dict(read_float(weights))
    return generator.eval().requires_grad_(False)


def readable(photo: Tensor) -> Tensor:
    """Return a photo [1, 3, H, W] at the size that the generator reads."""
    height, width = photo.shape[2:]
    scale = SIDE / max(height, width)
    size = [max(1, round(side * scale / BLOCK)) * BLOCK for side in (height, width)]
    return functional.interpolate(photo, size, mode="bilinear", align_corners=False, antialias=True)
