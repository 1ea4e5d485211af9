"""A model of how much each pixel may change before people see it: just noticeable differences.

Source: Chou and Li, "A perceptually tuned subband image coder based on the measure of just-noticeable-distortion profile"
(IEEE TCSVT 1995), section II.A: the larger of what the brightness and what the texture around a pixel hides. The two are
combined as in Yang, Ling, Lu, Ong, Yao, "Just noticeable distortion model and its applications in video coding" (2005),
equation 6, since a bright texture hides more than either.
"""

import torch
from torch import Tensor
from torch.nn import functional

from protectors.quality import weighted

LUMINANCE = (0.299, 0.587, 0.114)

OVERLAP = 0.3
"""The share of the smaller effect that the larger one already includes (Yang et al., section III)."""

AROUND = (
    (1, 1, 1, 1, 1),
    (1, 2, 2, 2, 1),
    (1, 2, 0, 2, 1),
    (1, 2, 2, 2, 1),
    (1, 1, 1, 1, 1),
)
"""Weights of the brightness around a pixel, in 32nds."""

DIRECTIONS = (
    ((0, 0, 0, 0, 0), (1, 3, 8, 3, 1), (0, 0, 0, 0, 0), (-1, -3, -8, -3, -1), (0, 0, 0, 0, 0)),
    ((0, 0, 1, 0, 0), (0, 8, 3, 0, 0), (1, 3, 0, -3, -1), (0, 0, -3, -8, 0), (0, 0, -1, 0, 0)),
    ((0, 0, 1, 0, 0), (0, 0, 3, 8, 0), (-1, -3, 0, 3, 1), (0, -8, -3, 0, 0), (0, 0, -1, 0, 0)),
    ((0, 1, 0, -1, 0), (0, 3, 0, -3, 0), (0, 8, 0, -8, 0), (0, 3, 0, -3, 0), (0, 1, 0, -1, 0)),
)
"""Weights of the brightness' slope in four directions, in 16ths."""

SMOOTHNESS = 1.5
"""Standard deviation in pixels of the smoothing of directions: JPEG removes fine perturbations, and SSIM punishes them most."""

STEADINESS = 0.7
"""Largest perturbation of a pixel as a share of the local contrast. The threshold in black was 20 levels in 1995; today's
screens show smaller differences, and SSIM counts each of them where nothing varies."""

LEAST_VARYING = 0.01
"""Least local contrast, as a share of the full range, so that a flat sky is not infinitely sensitive. Chosen on training
photos: with three times that (SSIM's constant), skies were changed enough for FSIM to see features in them."""


def just_noticeable(images: Tensor) -> Tensor:
    """Return the just noticeable differences [B, 1, H, W] of images [B, 3, H, W] in [0, 1], as shares of the full range."""
    bright = 255 * torch.einsum("c,bchw->bhw", torch.tensor(LUMINANCE).to(images), images)[:, None]
    around = _filtered(bright, torch.tensor(AROUND).to(images)[None, None] / 32)
    slopes = _filtered(bright, torch.tensor(DIRECTIONS).to(images)[:, None] / 16)
    slope = slopes.abs().amax(1, keepdim=True)
    dark = 17 * (1 - (around.clamp(0, 127) / 127).sqrt()) + 3
    adaptation = torch.where(around <= 127, dark, 3 / 128 * (around - 127) + 3)
    texture = (slope * (0.0001 * around + 0.115) + 0.5 - 0.01 * around).clamp(min=0)
    both = adaptation + texture - OVERLAP * torch.minimum(adaptation, texture)
    return both / 255


def local_contrast(images: Tensor) -> Tensor:
    """Return the standard deviation [B, 1, H, W] of the brightness around each pixel, as a share of the full range;
    ``LEAST_VARYING`` is added to it in quadrature."""
    bright = 255 * torch.einsum("c,bchw->bhw", torch.tensor(LUMINANCE).to(images), images)[:, None]
    # Values around zero keep float32 exact enough for variances.
    bright = bright - 128
    variance = (smoothed(bright.square()) - smoothed(bright).square()).clamp(min=0)
    return (variance + (255 * LEAST_VARYING) ** 2).sqrt() / 255


class VisibilityModel:
    """Measures how visible perturbations of images [B, 3, H, W] are. ``unit`` [B, 1, H, W] is just noticeable."""

    def __init__(self, images: Tensor) -> None:
        self.unit = torch.minimum(just_noticeable(images), STEADINESS * local_contrast(images))
        self._relief = self.unit / self.unit.mean((2, 3), keepdim=True)

    def size(self, perturbation: Tensor) -> Tensor:
        """Return the visibility [B, 1, 1, 1] of perturbations [B, 3, H, W]: their root mean square in just noticeable units."""
        return (perturbation / self.unit).square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-9)

    def weighted_direction(self, gradient: Tensor) -> Tensor:
        """Return a gradient weighted by visibility and smoothed, [B, 3, H, W].

        It is weighted by the unit both before and after smoothing, so that nothing spills from textures into flat areas.
        """
        return self._relief * smoothed(self._relief * gradient)


def smoothed(images: Tensor) -> Tensor:
    """Blur images [B, C, H, W] by a Gaussian and keep their size; edges are repeated."""
    reach = round(2 * SMOOTHNESS)
    offsets = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    window = torch.exp(-offsets.square() / (2 * SMOOTHNESS**2))
    window = window / window.sum()
    along_rows = weighted(functional.pad(images, (reach, reach, 0, 0), mode="replicate"), window, 3)
    return weighted(functional.pad(along_rows, (0, 0, reach, reach), mode="replicate"), window, 2)


def _filtered(planes: Tensor, weights: Tensor) -> Tensor:
    """Convolve planes [B, 1, H, W] with weights [C, 1, 5, 5] to [B, C, H, W]; edges are repeated."""
    return functional.conv2d(functional.pad(planes, (2, 2, 2, 2), mode="replicate"), weights)
