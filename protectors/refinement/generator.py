"""The generator of instant cloaks, a network that draws the maps of a perturbation in one pass over a photo.

Source: generative perturbations (Poursaeed, Katsman, Gao, Belongie, Generative adversarial perturbations, CVPR 2018), here with
the maps of ``field`` as the output: brightness at half and colour at a quarter of the resolution, in just noticeable
differences.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from protectors.adversaries.loading import checked_weights_file
from protectors.manifest import entry
from protectors.refinement.field import COLOUR_SHARE, Maps
from protectors.weights import read_float

NAME = "instant"
"""Its name in the manifest."""

SIDE = 416
"""Longest side in pixels at which it reads a photo: NanoDet's input, the largest of a detector of objects that cloaks are
optimised on."""

BLOCK = 4
"""Side in pixels of the cells that the network works on."""

WIDTH = 64
DILATIONS = (1, 1, 2, 4, 8, 1)
"""Dilations of the convolutions, with which small filters let a cell see 140 pixels around it."""

LARGEST = 4.0
"""Largest value of a map in just noticeable differences, before the maps are scaled to the allowed size."""


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
        brightness, colour = values[:, :4], values[:, 4:]
        # Neither training's loss nor most of the floor's measures see colour, so training would take all there is.
        share = COLOUR_SHARE * _root_mean_square(brightness) / _root_mean_square(colour).clamp(min=1e-6)
        return functional.pixel_shuffle(brightness, 2), colour * share.clamp(max=1)


def _root_mean_square(planes: Tensor) -> Tensor:
    return planes.square().mean((1, 2, 3), keepdim=True).sqrt()


def load_generator(device: torch.device) -> CloakGenerator:
    """Load the embedded generator.

    Raises:
        DamagedWeightsError: its weights are missing, or do not match the manifest.
    """
    return cloak_generator(checked_weights_file(entry(NAME), None)).to(device)


def cloak_generator(weights: Path) -> CloakGenerator:
    """Load a generator from a safetensors file and freeze it."""
    generator = CloakGenerator()
    generator.load_state_dict(read_float(weights))
    return generator.eval().requires_grad_(False)


def readable(photo: Tensor) -> Tensor:
    """Resize a photo [1, 3, H, W] to the size that the generator reads."""
    height, width = photo.shape[2:]
    scale = SIDE / max(height, width)
    size = [max(1, round(side * scale / BLOCK)) * BLOCK for side in (height, width)]
    return functional.interpolate(photo, size, mode="bilinear", align_corners=False, antialias=True)
