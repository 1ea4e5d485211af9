"""Tests our PSNR and SSIM against scikit-image's, and the floor."""

import math

import numpy as np
import pytest
import skimage.data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from protectors.judging.quality import Quality
from protectors.quality import as_pixels, as_tensor, fsim, psnr, ssim
from protectors.saving import Pixels


@pytest.fixture
def pair() -> tuple[Pixels, Pixels]:
    photo: Pixels = skimage.data.coffee()[:120, :170]
    noise = np.random.default_rng(0).integers(-9, 10, photo.shape)
    return photo, (photo + noise).clip(0, 255).astype(np.uint8)


def test_psnr(pair: tuple[Pixels, Pixels]) -> None:
    assert psnr(*pair) == pytest.approx(peak_signal_noise_ratio(*pair, data_range=255), abs=1e-4)
    assert psnr(pair[0], pair[0]) == math.inf


def test_ssim(pair: tuple[Pixels, Pixels]) -> None:
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


def test_pixels_and_tensors_are_inverses(pair: tuple[Pixels, Pixels]) -> None:
    assert np.array_equal(as_pixels(as_tensor(pair[0])), pair[0])


def test_fsim_falls_with_the_noise_and_is_one_where_there_is_nothing(pair: tuple[Pixels, Pixels]) -> None:
    photo, noisy = pair
    half = ((photo.astype(int) + noisy) // 2).astype(np.uint8)
    assert fsim(photo, photo) == pytest.approx(1.0)
    assert fsim(photo, noisy) < fsim(photo, half) < 1
    assert fsim(photo[:1, :1], noisy[:1, :1]) == 1.0


def test_a_floor_asks_for_all_four() -> None:
    floor = Quality(36, 0.97, 0.99, 2.5)
    assert Quality(36, 0.97, 0.99, 2.5).reaches(floor)
    for below in (Quality(35.9, 1, 1, 0), Quality(50, 0.969, 1, 0), Quality(50, 1, 0.989, 0), Quality(50, 1, 1, 2.51)):
        assert not below.reaches(floor)
