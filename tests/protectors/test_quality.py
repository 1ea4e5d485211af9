"""Our PSNR and SSIM against scikit-image's."""

import math

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from protectors.quality import as_pixels, as_tensor, psnr, ssim


@pytest.fixture
def pair() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    photo: NDArray[np.uint8] = skimage.data.coffee()[:120, :170]
    noise = np.random.default_rng(0).integers(-9, 10, photo.shape)
    return photo, (photo + noise).clip(0, 255).astype(np.uint8)


def test_psnr(pair: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    assert psnr(*pair) == pytest.approx(peak_signal_noise_ratio(*pair, data_range=255), abs=1e-4)
    assert psnr(pair[0], pair[0]) == math.inf


def test_ssim(pair: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    expected = structural_similarity(
        *pair, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(*pair) == pytest.approx(expected, abs=2e-4)
    assert ssim(pair[0], pair[0]) == pytest.approx(1.0)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 40, 3)])
def test_ssim_of_tiny_photos(shape: tuple[int, ...]) -> None:
    photo = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    assert ssim(photo, photo) == pytest.approx(1.0)
    assert ssim(photo, 255 - photo) < 0.99


def test_pixels_and_tensors_are_inverses(pair: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    assert np.array_equal(as_pixels(as_tensor(pair[0])), pair[0])
