"""Tests CIEDE2000 against scikit-image, and its mean over a photo."""

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.data import astronaut, coffee

from protectors.channel.exact import saved_as_jpeg
from protectors.colour_difference import SAMPLES, ciede2000, lab, mean_colour_difference


def test_random_and_grey_colours_differ_as_scikit_image_says() -> None:
    chance = np.random.default_rng(0)
    first, second = (chance.integers(0, 256, (5000, 3)).astype(np.uint8) for _ in range(2))
    second[:1000] = np.clip(first[:1000].astype(int) + chance.integers(-9, 10, (1000, 3)), 0, 255)
    first[1000:1500] = first[1000:1500, :1]
    second[1400:1600] = second[1400:1600, :1]
    expected = deltaE_ciede2000(rgb2lab(first[None])[0], rgb2lab(second[None])[0])
    one, two = (lab(torch.from_numpy(colours).double() / 255) for colours in (first, second))
    np.testing.assert_allclose(ciede2000(one, two).numpy(), expected, atol=0.02)


@pytest.mark.parametrize("size", [(400, 512), (80, 90)])
def test_the_mean_over_the_grid_is_that_of_the_whole_photo(size: tuple[int, int]) -> None:
    photo = np.ascontiguousarray(coffee()[: size[0], : size[1]])
    saved = saved_as_jpeg(photo).pixels
    tinted = np.clip(saved.astype(int) + np.array([3, -2, 5]), 0, 255).astype(np.uint8)
    expected = deltaE_ciede2000(rgb2lab(photo), rgb2lab(tinted)).mean()
    assert mean_colour_difference(photo, tinted) == pytest.approx(expected, rel=0.02)
    assert mean_colour_difference(photo, photo) == 0


def test_a_large_photo_is_sampled_at_all_places_of_jpegs_blocks() -> None:
    large = np.ascontiguousarray(np.tile(astronaut(), (4, 4, 1)))
    assert large.shape[0] * large.shape[1] > 16 * SAMPLES
    changed = large.copy()
    # One column of each block, which an even grid would meet always or never.
    changed[:, ::8] = np.clip(changed[:, ::8].astype(int) + 8, 0, 255)
    assert mean_colour_difference(large, changed) == pytest.approx(
        float(deltaE_ciede2000(rgb2lab(astronaut()), rgb2lab(changed[:512, :512])).mean()), rel=0.1
    )
