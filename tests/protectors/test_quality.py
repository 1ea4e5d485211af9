"""Tests our PSNR and SSIM against scikit-image's, and the floor."""

import math

import numpy as np
import pytest
import skimage.data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from protectors.judging.quality import Quality
from protectors.quality import QualityMeter, as_levels, as_pixels, as_tensor, fsim, largest_difference, measured, psnr, ssim
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


def test_levels_share_the_memory_of_pixels_unless_these_are_not_to_be_written(pair: tuple[Pixels, Pixels]) -> None:
    photo = pair[1].copy()
    levels = as_levels(photo)
    assert np.array_equal(levels[0].permute(1, 2, 0).numpy(), photo)
    assert np.shares_memory(levels.numpy(), photo)
    photo.setflags(write=False)
    assert not np.shares_memory(as_levels(photo).numpy(), photo)


def test_the_largest_difference_does_not_overflow(pair: tuple[Pixels, Pixels]) -> None:
    photo = pair[0].copy()
    assert largest_difference(photo, photo) == 0
    other = photo.copy()
    other[-1, -1, 2] = 0
    photo[-1, -1, 2] = 255
    assert largest_difference(photo, other) == largest_difference(other, photo) == 255


def test_a_meter_measures_each_photo_as_if_it_were_the_first(pair: tuple[Pixels, Pixels]) -> None:
    photo, noisy = pair
    meter = QualityMeter(photo)
    for changed in (noisy, photo, noisy[::-1].copy()):
        assert meter.of(changed) == measured(photo, changed)


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
