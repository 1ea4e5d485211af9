"""Tests our RoIAlign against torchvision's."""

import pytest
import torch
from torchvision.ops import roi_align

from protectors.adversaries.separable_roi_align import SeparableRoIPool, separable_roi_align


@pytest.mark.parametrize("scale", [1 / 8, 1 / 32])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_torchvision(scale: float, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(1, 5, 13, 17, generator=generator, dtype=dtype)
    corners = torch.rand(40, 2, generator=generator, dtype=dtype) * 140 - 20
    sizes = torch.rand(40, 2, generator=generator, dtype=dtype) * 150 + 0.5
    boxes = torch.cat([corners, corners + sizes], 1)
    expected = roi_align(features, [boxes], 7, scale, 2, aligned=True)
    torch.testing.assert_close(separable_roi_align(features[0], boxes, scale, 7), expected)


def test_gradient_equals_torchvision() -> None:
    generator = torch.Generator().manual_seed(2)
    boxes = torch.tensor([[3.0, 5.0, 60.0, 70.0], [-9.0, 20.0, 33.0, 120.0]], dtype=torch.float64)
    weights = torch.randn(2, 3, 7, 7, generator=generator, dtype=torch.float64)
    gradients = []
    for ours in (True, False):
        features = torch.linspace(-1, 1, 3 * 9 * 11, dtype=torch.float64).view(1, 3, 9, 11).requires_grad_(True)
        pooled = separable_roi_align(features[0], boxes, 1 / 8, 7) if ours else roi_align(features, [boxes], 7, 1 / 8, 2, True)
        gradients.append(torch.autograd.grad((pooled * weights).sum(), features)[0])
    torch.testing.assert_close(gradients[0], gradients[1])


def test_pool_takes_large_boxes_from_coarse_levels() -> None:
    levels = {str(index): torch.full((1, 1, 40 >> index, 40 >> index), float(index)) for index in range(3)}
    boxes = torch.tensor([[0.0, 0.0, 40.0, 40.0], [0.0, 0.0, 150.0, 150.0], [0.0, 0.0, 300.0, 300.0]])
    pooled = SeparableRoIPool((8, 16, 32))(levels, [boxes], [(320, 320)])
    assert pooled.amax((1, 2, 3)).tolist() == [0.0, 1.0, 2.0]


def test_pool_keeps_order_over_images_and_accepts_none() -> None:
    levels = {"0": torch.stack([torch.zeros(1, 8, 8), torch.ones(1, 8, 8)])}
    box = torch.tensor([[8.0, 8.0, 40.0, 40.0]])
    pooled = SeparableRoIPool((8,))(levels, [box[:0], box], [(64, 64)] * 2)
    assert pooled.shape == (1, 1, 7, 7)
    assert pooled.min() == 1
