"""Tests that BRISQUE scores worse photos higher, and reads colours in their order."""

import sys

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageFilter

from protectors.evaluation import brisque as module
from protectors.evaluation.brisque import brisque
from protectors.evaluation.extra import MissingExtraError
from protectors.saving import Pixels

PHOTO: Pixels = np.ascontiguousarray(skimage.data.astronaut()[:256, :256])


def blurred(radius: float) -> Pixels:
    return np.array(Image.fromarray(PHOTO).filter(ImageFilter.GaussianBlur(radius)))


def noisy(deviation: float, channels: tuple[int, ...] = (0, 1, 2)) -> Pixels:
    noise = np.zeros(PHOTO.shape)
    noise[..., channels] = np.random.default_rng(0).normal(0, deviation, noise[..., channels].shape)
    return (PHOTO + noise).round().clip(0, 255).astype(np.uint8)


def test_a_known_photo_scores_the_same_each_time() -> None:
    score = brisque(PHOTO)
    # The scores agree up to rounding, since threads determine the order of sums.
    assert score == pytest.approx(brisque(PHOTO.copy()), abs=1e-6)
    assert score == pytest.approx(-5.58, abs=0.05)


def test_blur_and_noise_raise_it() -> None:
    assert brisque(PHOTO) < brisque(blurred(1)) < brisque(blurred(2)) < brisque(blurred(4))
    assert brisque(PHOTO) < brisque(noisy(5)) < brisque(noisy(10)) < brisque(noisy(25))


def test_colours_are_red_green_blue() -> None:
    """Luminance weights green most and blue least, as the eye does."""
    red, green, blue = (brisque(noisy(25, (channel,))) for channel in range(3))
    assert blue < red < green


@pytest.mark.parametrize("flat", [np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 128, np.uint8), PHOTO[:4, :4]])
def test_without_statistics_there_is_no_score(flat: Pixels) -> None:
    with pytest.raises(ValueError, match="statistics"):
        brisque(flat)


def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    module._model.cache_clear()
    monkeypatch.setitem(sys.modules, "brisque", None)
    with pytest.raises(MissingExtraError, match=r"pip install --editable .*\[evaluate\]"):
        brisque(PHOTO)
