"""Tests the differentiable JPEG against Pillow's: equal tables, nearly equal pixels, and gradients through rounding."""

import io

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from protectors.channel.exact import through_jpeg
from protectors.channel.jpeg import CHROMINANCE, LUMINANCE, _steps, compressed
from protectors.quality import as_pixels, as_tensor


@pytest.mark.parametrize("quality", [10, 50, 75, 95, 100])
def test_the_tables_are_those_of_real_files(quality: int) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, "JPEG", quality=quality)
    with Image.open(stream) as picture:
        written = picture.quantization  # type: ignore[attr-defined]
    assert sorted(written[0]) == sorted(_steps(LUMINANCE, quality).flatten().int().tolist())
    assert sorted(written[1]) == sorted(_steps(CHROMINANCE, quality).flatten().int().tolist())


@pytest.mark.parametrize("subsampled", [True, False])
@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("size", [(200, 301), (32, 32), (5, 3)])
def test_pixels_are_nearly_those_of_real_files(size: tuple[int, int], quality: int, subsampled: bool) -> None:
    pixels = np.ascontiguousarray(skimage.data.astronaut()[60 : 60 + size[0], 100 : 100 + size[1]])
    real = through_jpeg(pixels, quality, subsampled)
    model = as_pixels(compressed(as_tensor(pixels), quality, subsampled))
    assert model.shape == pixels.shape
    assert np.abs(model.astype(int) - real).mean() < 1.5
    # The model is closer to the real file than the photo is, or as close as rounding allows.
    assert np.abs(model.astype(int) - real).mean() < max(1.0, np.abs(pixels.astype(int) - real).mean())


def test_gradients_pass_where_rounding_would_stop_them() -> None:
    images = torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(0), requires_grad=True)
    (gradient,) = torch.autograd.grad(compressed(images, 75).square().sum(), images)
    assert torch.isfinite(gradient).all()
    assert (gradient != 0).float().mean() > 0.9
