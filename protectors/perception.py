"""A model of how much each pixel may change before people see it: just noticeable differences.

Source: Chou and Li, "A perceptually tuned subband image coder based on the measure of just-noticeable-distortion profile"
(IEEE TCSVT 1995), section II.A: what the brightness around a pixel hides, and what the texture there hides, the larger of
the two; combined as in Yang, Ling, Lu, Ong, Yao, "Just noticeable distortion model and its applications in video coding"
(2005), equation 6, since a bright texture hides more than either.
"""

import torch
from torch import Tensor
from torch.nn import functional

from protectors.quality import weighted

LUMINANCE = (0.299, 0.587, 0.114)

OVERLAP = 0.3
"""Of the two effects, the share of the smaller one that the larger has in it already (Yang et al., section III)."""

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
"""Standard deviation in pixels that directions are smoothed with: JPEG takes fine perturbations away, SSIM counts them most."""

STEADINESS = 0.7
"""Of how much the brightness round a pixel varies, the share that its perturbation may be. In black the threshold of noticing
was 20 levels in 1995; today's screens show fewer, and SSIM counts every one of them where nothing varies."""

LEAST_VARYING = 0.01
"""Of the full range: as much the brightness varies even where a photo is flat, lest a sky be infinitely sensitive. Chosen on
training photos: with three times that (SSIM's own constant) skies were changed enough for FSIM to see features in them."""


def just_noticeable(images: Tensor) -> Tensor:
    """Return the levels [B, 1, H, W] by which values of images [B, 3, H, W] in [0, 1] can change unseen, of the full range."""
    bright = 255 * torch.einsum("c,bchw->bhw", torch.tensor(LUMINANCE).to(images), images)[:, None]
    around = _filtered(bright, torch.tensor(AROUND).to(images)[None, None] / 32)
    slopes = _filtered(bright, torch.tensor(DIRECTIONS).to(images)[:, None] / 16)
    slope = slopes.abs().amax(1, keepdim=True)
    dark = 17 * (1 - (around.clamp(0, 127) / 127).sqrt()) + 3
    adaptation = torch.where(around <= 127, dark, 3 / 128 * (around - 127) + 3)
    texture = (slope * (0.0001 * around + 0.115) + 0.5 - 0.01 * around).clamp(min=0)
    both = adaptation + texture - OVERLAP * torch.minimum(adaptation, texture)
    return both / 255


def liveliness(images: Tensor) -> Tensor:
    """Return how much the brightness varies round each pixel, [B, 1, H, W] in units of the full range: its standard deviation,
    and ``LEAST_VARYING``."""
    bright = 255 * torch.einsum("c,bchw->bhw", torch.tensor(LUMINANCE).to(images), images)[:, None]
    # Round zero, which keeps float32 exact enough for variances.
    bright = bright - 128
    variance = (smoothed(bright.square()) - smoothed(bright).square()).clamp(min=0)
    return (variance + (255 * LEAST_VARYING) ** 2).sqrt() / 255


class VisibilityModel:
    """A measure of how visible perturbations of images [B, 3, H, W] are. ``unit`` [B, 1, H, W] is just noticeable."""

    def __init__(self, images: Tensor) -> None:
        self.unit = torch.minimum(just_noticeable(images), STEADINESS * liveliness(images))
        self._relief = self.unit / self.unit.mean((2, 3), keepdim=True)

    def size(self, perturbation: Tensor) -> Tensor:
        """Return how visible [B, 1, 1, 1] perturbations [B, 3, H, W] are: their root mean square in just noticeable units."""
        return (perturbation / self.unit).square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-9)

    def preferred(self, gradient: Tensor) -> Tensor:
        """Return the direction [B, 3, H, W] that a gradient becomes where perturbations count by how visible they are.

        It is weighed by the unit before and after it is smoothed, so that nothing spills from where much is hidden to where
        nothing is.
        """
        return self._relief * smoothed(self._relief * gradient)


def smoothed(images: Tensor) -> Tensor:
    """Return images [B, C, H, W] under a Gaussian, as large as they were; edges are repeated."""
    reach = round(2 * SMOOTHNESS)
    offsets = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    window = torch.exp(-offsets.square() / (2 * SMOOTHNESS**2))
    window = window / window.sum()
    along_rows = weighted(functional.pad(images, (reach, reach, 0, 0), mode="replicate"), window, 3)
    return weighted(functional.pad(along_rows, (0, 0, reach, reach), mode="replicate"), window, 2)


def _filtered(planes: Tensor, weights: Tensor) -> Tensor:
    """Return planes [B, 1, H, W] under weights [C, 1, 5, 5], as large as they were; edges are repeated."""
    return functional.conv2d(functional.pad(planes, (2, 2, 2, 2), mode="replicate"), weights)
