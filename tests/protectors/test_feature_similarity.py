"""Tests FSIM beside piq's, which its authors keep with tests against the paper's own program."""

import pytest
import torch
from piq import fsim
from skimage.data import astronaut, coffee
from torch import Tensor
from torch.nn import functional

from protectors.feature_similarity import FeatureSimilarity
from protectors.saving import Pixels


def _photo(pixels: Pixels, height: int, width: int) -> Tensor:
    return functional.interpolate(torch.tensor(pixels).permute(2, 0, 1)[None].float() / 255, (height, width), mode="area")


@pytest.mark.parametrize(("height", "width"), [(256, 341), (255, 340), (340, 255), (64, 65), (31, 33), (3, 5)])
@pytest.mark.parametrize("noise", [0.01, 0.2])
def test_the_similarity_is_that_of_piq(height: int, width: int, noise: float) -> None:
    chance = torch.Generator().manual_seed(0)
    for pixels in (astronaut(), coffee()):
        original = _photo(pixels, height, width)
        similarity = FeatureSimilarity(original)
        for changed in (original, (original + noise * torch.randn(original.shape, generator=chance)).clamp(0, 1)):
            expected = float(fsim(changed, original, chromatic=False))
            assert similarity.of(changed) == pytest.approx(expected, abs=1e-5)


def test_nothing_is_lost_where_there_are_no_features() -> None:
    grey = torch.full((1, 3, 40, 40), 0.5)
    assert FeatureSimilarity(grey).of(grey) == 1.0
    assert FeatureSimilarity(grey[:, :, :1, :1]).of(grey[:, :, :1, :1]) == 1.0
