"""The feature term of all objectives: features have to go far away, and in another direction."""

import pytest
import torch
from torch import Tensor

from protectors.refinement.objective import ALIKE, feature_loss

STAGES = [torch.rand(1, 4, 6, 5, generator=torch.Generator().manual_seed(0)), torch.ones(1, 2, 3, 3)]


def loss(*features: Tensor) -> float:
    return float(feature_loss(STAGES, features))


def test_the_loss_of_unchanged_features_is_known() -> None:
    assert loss(*STAGES) == pytest.approx(ALIKE - 1)


def test_features_of_another_direction_have_a_lower_loss_than_weaker_ones_of_the_same() -> None:
    weaker = [stage / 2 for stage in STAGES]
    crossed = [stage * torch.where(torch.arange(stage.shape[1]) % 2 == 0, 0.5, -0.5)[:, None, None] for stage in STAGES]
    assert loss(*crossed) < loss(*weaker) < loss(*STAGES)
    assert loss(*weaker) - loss(*crossed) > ALIKE / 2, "by more than the distance alone"


def test_all_stages_have_the_same_weight_whatever_their_size_and_strength() -> None:
    large, small = loss(-STAGES[0], STAGES[1]), loss(STAGES[0], -STAGES[1])
    assert large == pytest.approx(small)


def test_gradients_are_finite_where_features_are_zero() -> None:
    zeros = [torch.zeros_like(stage).requires_grad_(True) for stage in STAGES]
    for references in (STAGES, [torch.zeros_like(stage) for stage in STAGES]):
        gradients = torch.autograd.grad(feature_loss(references, zeros), zeros)
        assert all(bool(gradient.isfinite().all()) for gradient in gradients)
