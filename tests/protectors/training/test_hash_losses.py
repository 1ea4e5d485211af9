"""Tests the published losses of deep hashing: their gradients, and their values on codes computed by hand."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from protectors.training import hash_losses

LABELS = torch.tensor([0, 0, 1, 2])


@pytest.mark.parametrize("loss", [hash_losses.dsh, hash_losses.dpsh])
def test_gradients_of_the_pairwise_losses(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    outputs = torch.randn(4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(lambda values: loss(values, LABELS), (outputs,))


def test_gradient_of_the_classifying_loss() -> None:
    torch.manual_seed(0)
    classifier = nn.Linear(6, 3).double()
    outputs = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda values: hash_losses.dbh(values, LABELS, classifier), (outputs,))


def test_dsh_of_codes_by_hand() -> None:
    codes = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    # Squared distances are 4 (similar), 8 and 4 (not), the margin is 4: only the similar pair costs, half of 4, 2 of 6 times.
    assert hash_losses.dsh(codes, torch.tensor([0, 0, 1])).item() == pytest.approx(2 * 2 / 6)


def test_dpsh_of_codes_by_hand() -> None:
    codes = torch.tensor([[1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]])
    # The halved inner products are 1 (similar), -1 and -1 (not); every pair counts 2 of 6 times.
    similar, different = math.log1p(math.e) - 1, math.log1p(math.exp(-1))
    assert hash_losses.dpsh(codes, torch.tensor([0, 0, 1])).item() == pytest.approx((similar + 2 * different) / 3, rel=1e-5)
