"""Tests the visibility model against the published formulas, computed by hand, and against common sense."""

import numpy as np
import pytest
import skimage.data
import torch
from scipy.ndimage import gaussian_filter

from protectors.perception import LEAST_VARYING, SMOOTHNESS, STEADINESS, VisibilityModel, just_noticeable, smoothed
from protectors.quality import as_tensor


def flat(level: float) -> torch.Tensor:
    return torch.full((1, 3, 12, 12), level / 255)


@pytest.mark.parametrize(("level", "levels"), [(0, 20.0), (127, 3.0), (255, 6.0)])
def test_a_flat_picture_hides_what_its_brightness_hides(level: float, levels: float) -> None:
    noticeable = 255 * just_noticeable(flat(level))
    # Chou and Li's adaptation is 20 levels in black, 3 in grey and 6 in white; texture adds only its offset.
    texture = max(0.0, 0.5 - 0.01 * level)
    expected = levels + texture - 0.3 * min(levels, texture)
    assert noticeable.shape == (1, 1, 12, 12)
    assert torch.allclose(noticeable, torch.full_like(noticeable, expected), atol=0.05)


def test_an_edge_hides_more_than_what_is_beside_it() -> None:
    images = flat(100)
    images[:, :, :, 6:] = 160 / 255
    noticeable = just_noticeable(images)[0, 0]
    assert noticeable[:, 5:7].min() > 1.5 * noticeable[:, :3].max()


def test_smoothing_is_scipys() -> None:
    photo = as_tensor(np.ascontiguousarray(skimage.data.astronaut()[:31, :40]))
    reach = round(2 * SMOOTHNESS)
    expected = gaussian_filter(photo[0].numpy(), (0, SMOOTHNESS, SMOOTHNESS), mode="nearest", radius=(0, reach, reach))
    assert np.allclose(smoothed(photo)[0].numpy(), expected, atol=1e-5)
    assert torch.allclose(smoothed(flat(77)), flat(77))
    for size in ((1, 1), (2, 9)):
        assert smoothed(torch.rand(2, 3, *size)).shape == (2, 3, *size)


def test_a_direction_prefers_where_more_is_hidden() -> None:
    photo = as_tensor(np.ascontiguousarray(skimage.data.astronaut()[:128, :128]))
    together, alone = VisibilityModel(torch.cat([photo, photo / 2])), VisibilityModel(photo)
    gradient = torch.ones(2, 3, 128, 128)
    weighted = together.weighted_direction(gradient)
    assert torch.allclose(weighted[:1], alone.weighted_direction(gradient[:1]), rtol=1e-3)
    lively, calm = (together.unit[:1] > 0.03), (together.unit[:1] < 0.015)
    assert lively.any()
    assert calm.any()
    assert weighted[:1][lively.expand(1, 3, 128, 128)].mean() > 3 * weighted[:1][calm.expand(1, 3, 128, 128)].mean()


def test_in_black_no_more_is_hidden_than_varies() -> None:
    unit = 255 * VisibilityModel(flat(0)).unit
    assert torch.allclose(unit, torch.full_like(unit, STEADINESS * LEAST_VARYING * 255), atol=0.05)
    assert (255 * just_noticeable(flat(0)) > 4 * unit).all()
