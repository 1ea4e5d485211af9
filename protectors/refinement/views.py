"""Random views of a photo that imitate the processing by sites and networks, so that a perturbation survives it.

Source: expectation over transformations (Athalye, Engstrom, Ilyas, Kwok, Synthesizing robust adversarial examples, 2018).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from protectors.channel.jpeg import compressed
from protectors.channel.pipeline import Encoding
from protectors.channel.webp import compressed_webp

SMALLEST = 0.6
"""Smallest scale of a view."""

QUALITIES = (60, 95)
"""Range of the quality, in the half of the views that are compressed."""

WEBP_SHARE = 1 / 3
"""Share of WebP in the compressed views; the others are JPEG. Without it, the one known site that saves WebP left
less of cloaks than any other."""

KERNELS = ("bilinear", "bicubic")
"""Kernels for resizing, both antialiased as sites' are."""


@dataclass(frozen=True)
class View:
    """One way to see a photo: moved by ``shift`` pixels to the right and down, shrunk to ``scale`` with a kernel, and
    compressed as ``encoding`` unless ``quality`` is None."""

    scale: float
    kernel: str
    quality: int | None
    shift: tuple[int, int] = (0, 0)
    encoding: Encoding = "jpeg"

    def of(self, images: Tensor) -> Tensor:
        """Return this view of images [B, 3, H, W]; differentiable."""
        moved = shifted(images, *self.shift)
        size = [max(1, round(side * self.scale)) for side in moved.shape[2:]]
        made = functional.interpolate(moved, size, mode=self.kernel, align_corners=False, antialias=True)
        if self.quality is None:
            return made
        return compressed_webp(made, self.quality) if self.encoding == "webp" else compressed(made, self.quality)


def shifted(images: Tensor, right: int, down: int) -> Tensor:
    """Move images [B, 3, H, W] by pixels, to the left or up if negative; edges are repeated."""
    if not (right or down):
        return images
    height, width = images.shape[2:]
    wider = functional.pad(images, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)), mode="replicate")
    return wider[:, :, max(-down, 0) :, max(-right, 0) :][:, :, :height, :width]


def random_view(chance: torch.Generator, most_shift: int = 0) -> View:
    """Draw a view, compressed half the time, moved by up to ``most_shift`` pixels along each axis."""
    scale, kernel, compression, strength, format_ = torch.rand(5, generator=chance).tolist()
    encoding: Encoding = "webp" if format_ < WEBP_SHARE else "jpeg"
    quality = round(QUALITIES[0] + (QUALITIES[1] - QUALITIES[0]) * strength) if compression < 0.5 else None
    shift = (0, 0)
    if most_shift:
        right, down = torch.randint(-most_shift, most_shift + 1, (2,), generator=chance).tolist()
        shift = (right, down)
    return View(SMALLEST + (1 - SMALLEST) * scale, KERNELS[int(kernel * len(KERNELS))], quality, shift, encoding)
