"""Random views of a photo that imitate the processing by sites and networks, so that a perturbation survives it.

Source: expectation over transformations (Athalye, Engstrom, Ilyas, Kwok, Synthesizing robust adversarial examples, 2018).
"""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class View:
    """One way to see a photo: moved by ``shift`` pixels to the right and down, shrunk to ``scale`` with a kernel, and
    compressed by JPEG unless ``quality`` is None."""

    scale: float
    kernel: str
    quality: int | None
    shift: tuple[int, int] = (0, 0)

    def of(self, images: Tensor) -> Tensor:
        """Return this view of images [B, 3, H, W]; differentiable."""
        moved = shifted(images, *self.shift)
        size = [max(1, round(side * self.scale)) for side in moved.shape[2:]]
        made = functional.interpolate(moved, size, mode=self.kernel, align_corners=False, antialias=True)
        return made if self.quality is None else compressed(made, self.quality)


def shifted(images: Tensor, right: int, down: int) -> Tensor:
    """Move images [B, 3, H, W] by pixels, to the left or up if negative; edges are repeated."""
    if not (right or down):
        return images
    height, width = images.shape[2:]
    wider = functional.pad(images, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)), mode="replicate")
    return wider[:, :, max(-down, 0) :, max(-right, 0) :][:, :, :height, :width]


def random_view(chance: torch.Generator, most_shift: int = 0) -> View:
    """Draw a view, with JPEG half the time, moved by up to ``most_shift`` pixels along each axis."""
    draws = torch.rand(4, generator=chance).tolist()
    quality = round(QUALITIES[0] + (QUALITIES[1] - QUALITIES[0]) * draws[3]) if draws[2] < 0.5 else None
    shift = (0, 0)
    if most_shift:
        right, down = torch.randint(-most_shift, most_shift + 1, (2,), generator=chance).tolist()
        shift = (right, down)
    return View(SMALLEST + (1 - SMALLEST) * draws[0], KERNELS[int(draws[1] * len(KERNELS))], quality, shift)
