"""Tests the random views that steps look at a photo in."""

import pytest
import torch

from protectors.channel.webp import through_webp
from protectors.quality import as_pixels, as_tensor
from protectors.refinement.views import View, random_view, shifted

IMAGE = torch.arange(2 * 3 * 6 * 8, dtype=torch.float32).reshape(2, 3, 6, 8)


@pytest.mark.parametrize(("right", "down"), [(2, 1), (-2, 0), (0, -3), (1, -1)])
def test_a_shift_moves_the_picture_and_repeats_its_edges(right: int, down: int) -> None:
    moved = shifted(IMAGE, right, down)
    assert moved.shape == IMAGE.shape
    for row in range(6):
        for column in range(8):
            came_from = IMAGE[:, :, min(max(row - down, 0), 5), min(max(column - right, 0), 7)]
            assert torch.equal(moved[:, :, row, column], came_from)


def test_a_shift_of_more_than_the_picture_repeats_one_edge() -> None:
    assert torch.equal(shifted(IMAGE, 9, 0), IMAGE[:, :, :, :1].expand_as(IMAGE))


def test_views_are_shifted_only_if_asked_and_within_bounds() -> None:
    chance = torch.Generator().manual_seed(0)
    assert {random_view(chance).shift for _ in range(20)} == {(0, 0)}
    drawn = {side for _ in range(200) for side in random_view(chance, 2).shift}
    assert drawn == {-2, -1, 0, 1, 2}


def test_a_shifted_view_passes_gradients_to_the_pixels_that_it_shows() -> None:
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(View(1.0, "bilinear", None, (4, 0)).of(image).sum(), image)
    assert torch.equal(gradient[..., 12:], torch.zeros(1, 3, 16, 4)), "moved out of sight"
    assert (gradient[..., :12] >= 1).all()


def test_half_of_the_views_are_compressed_and_a_third_of_those_are_webp() -> None:
    chance = torch.Generator().manual_seed(0)
    views = [random_view(chance) for _ in range(6000)]
    compressed = [view.encoding for view in views if view.quality is not None]
    assert len(compressed) / len(views) == pytest.approx(0.5, abs=0.03)
    assert compressed.count("webp") / len(compressed) == pytest.approx(1 / 3, abs=0.04)


def test_a_webp_view_shows_what_the_decoded_file_shows_and_passes_gradients() -> None:
    image = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    seen = View(1.0, "bilinear", 77, encoding="webp").of(image)
    arrived = as_tensor(through_webp(as_pixels(image), 77))
    assert torch.allclose(seen, arrived, atol=1e-6)
    (gradient,) = torch.autograd.grad(seen.square().sum(), image)
    assert gradient.abs().sum() > 0
