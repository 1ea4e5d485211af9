"""Tests that the generator of protective perturbations is as large as published, and takes images of any size."""

import pytest
import torch

from protectors.unet import UNet


def test_it_is_as_large_as_published() -> None:
    assert sum(parameter.numel() for parameter in UNet().parameters()) == pytest.approx(7.766e6, abs=500)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (5, 3), (1, 150)])
def test_any_size_goes_in_and_comes_out(size: tuple[int, int]) -> None:
    generator = UNet(4).eval()
    assert generator(torch.rand(2, 3, *size)).shape == (2, 3, *size)


def test_every_pixel_has_its_say() -> None:
    # In so narrow a network, unlucky weights can leave a pixel without a gradient.
    torch.manual_seed(0)
    images = torch.rand(1, 3, 20, 20, requires_grad=True)
    UNet(4).eval()(images).square().sum().backward()
    assert images.grad is not None
    assert (images.grad.abs().sum(1) > 0).all()
