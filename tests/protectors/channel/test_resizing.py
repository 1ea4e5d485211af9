"""Tests resizing as adversaries do, on 8-bit levels beside Pillow's, and on floats."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import coffee

from protectors.channel.resizing import resized
from protectors.quality import as_levels, as_tensor


@pytest.mark.parametrize(("height", "width"), [(300, 300), (97, 211), (400, 600), (500, 800)])
def test_levels_are_resized_as_by_pillow(height: int, width: int) -> None:
    photo = coffee()
    made = resized(as_levels(photo), height, width)
    expected = np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.BILINEAR)).astype(np.float32)
    assert made.dtype == torch.float32
    assert made.shape == (1, 3, height, width)
    assert np.abs(made[0].permute(1, 2, 0).numpy() * 255 - expected).max() <= 1.01
    assert float((made - resized(as_tensor(photo), height, width)).abs().max()) < 2 / 255


def test_floats_of_the_right_size_are_returned_as_they_are() -> None:
    images = as_tensor(coffee())
    assert resized(images, images.shape[2], images.shape[3]) is images
