"""A differentiable model of JPEG, for optimising. Verdicts come from real files, never from this.

Source: the standard's baseline process (ITU-T T.81, annex A.3.3 and tables K.1, K.2) with libjpeg's scaling of the tables.
Rounding passes on the gradient of Shin and Song (JPEG-resistant adversarial images, 2017): round(x) + (x - round(x))^3.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 8

LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99), (18, 21, 26, 66, 99, 99, 99, 99), (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99), *((99,) * 8,) * 4,
)  # fmt: skip

TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def compressed(images: Tensor, quality: int, subsampled: bool = True) -> Tensor:
    """Compress images [B, 3, H, W] in [0, 1] by JPEG; ``subsampled`` chroma has half the resolution (4:2:0)."""
    height, width = images.shape[2:]
    multiple = 2 * BLOCK if subsampled else BLOCK
    missing = (-height % multiple, -width % multiple)
    whole = functional.pad(images, (0, missing[1], 0, missing[0]), mode="replicate") * 255
    matrix = torch.tensor(TO_YCBCR, dtype=images.dtype, device=images.device)
    planes = torch.einsum("ij,bjhw->bihw", matrix, whole)
    bright, colour = planes[:, :1] - 128, planes[:, 1:]
    bright = _quantised(bright, LUMINANCE, quality)
    if subsampled:
        colour = functional.interpolate(
            _quantised(functional.avg_pool2d(colour, 2), CHROMINANCE, quality),
            scale_factor=2,
            mode="bilinear",
            align_corners=False,
        )
    else:
        colour = _quantised(colour, CHROMINANCE, quality)
    decoded = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(matrix), torch.cat([bright + 128, colour], 1))
    return (decoded[:, :, :height, :width] / 255).clamp(0, 1)


def _quantised(planes: Tensor, table: tuple[tuple[int, ...], ...], quality: int) -> Tensor:
    """Transform the blocks of planes [B, C, H, W], round them to the table's steps, and transform them back."""
    steps = _steps(table, quality).to(planes)
    basis = _basis().to(planes)
    batch, channels, height, width = planes.shape
    blocks = planes.reshape(batch, channels, height // BLOCK, BLOCK, width // BLOCK, BLOCK).transpose(3, 4)
    values = basis @ blocks @ basis.T / steps
    rounded = values.round().detach()
    # The value is the rounded one; only the gradient comes from the soft one.
    soft = rounded + (values - rounded) ** 3
    restored = basis.T @ ((rounded + soft - soft.detach()) * steps) @ basis
    return restored.transpose(3, 4).reshape(batch, channels, height, width)


def _steps(table: tuple[tuple[int, ...], ...], quality: int) -> Tensor:
    """Scale a table to a quality of 1 to 100 as libjpeg does."""
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    return ((torch.tensor(table, dtype=torch.float64) * scale + 50) / 100).floor().clamp(1, 255)


def _basis() -> Tensor:
    """Return the matrix [8, 8] of the orthonormal cosine transform."""
    places = torch.arange(BLOCK, dtype=torch.float64)
    basis = torch.cos(math.pi * (2 * places[None] + 1) * places[:, None] / (2 * BLOCK)) / 2
    basis[0] /= math.sqrt(2)
    return basis
