"""Tests that each image-processing baseline does what its name says, at its stated strength."""

import numpy as np
import pytest

from protectors.channel.exact import through_jpeg
from protectors.evaluation.image_processing import BASELINES, gaussian_blur, gaussian_noise, low_brightness, mosaic
from protectors.quality import psnr
from protectors.saving import Pixels


@pytest.mark.parametrize("name", BASELINES)
def test_each_changes_a_photo_visibly_and_keeps_its_form(name: str, portrait: Pixels) -> None:
    photo = portrait[:130, :213]
    before = photo.copy()
    processed = BASELINES[name](photo)
    assert processed.shape == photo.shape
    assert processed.dtype == np.uint8
    assert np.array_equal(photo, before), "the photo given stays as it was"
    assert psnr(photo, processed) < 30, "worse than any cloak of ours, or the comparison would flatter us"
    assert np.array_equal(BASELINES[name](photo), processed), "a second run gives the same"


def test_low_brightness_scales_every_value(portrait: Pixels) -> None:
    dimmed = low_brightness(portrait, 0.5)
    assert np.abs(dimmed - portrait / 2).max() <= 0.5


def test_blur_spreads_a_block_by_its_deviation() -> None:
    # A single bright pixel would spread to less than a level, so a block is used, whose known variance is subtracted.
    picture = np.zeros((61, 61, 3), np.uint8)
    picture[26:35, 26:35] = 255
    offsets = np.arange(61) - 30.0
    columns = gaussian_blur(picture, 3.0)[..., 0].sum(0, np.float64)
    variance = (columns * offsets**2).sum() / columns.sum()
    block = (np.arange(-4, 5) ** 2).mean()
    assert variance - block == pytest.approx(3.0**2, rel=0.1)
    flat = np.full((40, 40, 3), 77, np.uint8)
    assert np.array_equal(gaussian_blur(flat), flat)


def test_mosaic_tiles_are_the_means_of_what_they_cover(portrait: Pixels) -> None:
    photo = portrait[:20, :27]
    tiled = mosaic(photo, 8)
    for top in range(0, 20, 8):
        for left in range(0, 27, 8):
            covered, tile = (form[top : top + 8, left : left + 8] for form in (photo, tiled))
            assert (tile == tile[0, 0]).all()
            assert np.abs(tile[0, 0] - covered.mean((0, 1))).max() <= 1


def test_noise_has_its_deviation_and_its_seed() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    noise = gaussian_noise(grey, 25.0).astype(np.float64) - 128
    assert noise.std() == pytest.approx(25.0, rel=0.02)
    assert abs(noise.mean()) < 0.5
    # Neighbours and channels have independent noise.
    assert abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.02
    assert not np.array_equal(gaussian_noise(grey, 25.0, seed=1), gaussian_noise(grey, 25.0, seed=2))


def test_jpeg_is_that_of_a_low_quality(portrait: Pixels) -> None:
    processed = BASELINES["jpeg"](portrait)
    assert np.array_equal(processed, through_jpeg(portrait, 10))
    assert psnr(portrait, processed) < psnr(portrait, through_jpeg(portrait)) - 10
