"""Tests the parts of a step that make a cloak transfer to unknown models."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from protectors.transfer import SCALES, Momentum, diverse, scaled, shuffled, varied

View = Callable[[Tensor, torch.Generator], Tensor]

VIEWS: tuple[View, ...] = (diverse, shuffled, varied)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", [(9, 7), (40, 31), (64, 64)])
def test_a_view_keeps_size_and_range_and_is_drawn_by_its_seed_alone(view: View, size: tuple[int, int]) -> None:
    images = torch.rand(2, 3, *size, generator=seeded(0))
    for seed in range(12):
        made = view(images, seeded(seed))
        assert made.shape == images.shape
        assert made.min() >= 0
        assert made.max() <= 1
        assert torch.equal(made, view(images, seeded(seed)))
        # Results do not depend on the batch.
        assert torch.allclose(made[:1], view(images[:1], seeded(seed)), atol=1e-6)
    assert any(not torch.equal(view(images, seeded(seed)), images) for seed in range(3))


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_a_gradient_everywhere_sooner_or_later(view: View) -> None:
    images = torch.rand(1, 3, 24, 24, generator=seeded(0), requires_grad=True)
    reached = torch.zeros_like(images)
    for seed in range(24):
        (gradient,) = torch.autograd.grad(view(images, seeded(seed)).square().sum(), images)
        assert gradient.isfinite().all()
        reached += gradient.abs()
    assert (reached > 0).all()


def test_copies_get_darker_by_half() -> None:
    images = torch.ones(1, 3, 2, 2)
    assert [float(scaled(images, number).mean()) for number in range(SCALES)] == [1, 0.5, 0.25, 0.125, 0.0625]


@pytest.mark.parametrize("view", [shuffled, varied])
def test_what_cannot_be_cut_is_an_error(view: View) -> None:
    with pytest.raises(ValueError, match="cannot be cut"):
        view(torch.rand(1, 3, 1, 1), seeded(0))


def test_momentum_by_hand() -> None:
    momentum = Momentum(0.5)
    first, second = torch.full((1, 1, 1, 2), 4.0), torch.tensor([[[[2.0, -6.0]]]])
    # The normalised gradients are 1 1, then 0.5 -1.5, to which half of the sum before is added.
    assert momentum.after(first).flatten().tolist() == [1.0, 1.0]
    assert momentum.after(second).flatten().tolist() == [1.0, -1.0]
