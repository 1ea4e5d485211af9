"""Tests that networks with long and with short gradients have the same weight in a training, also after a pause."""

import pytest
import torch

from protectors.training.gradient_lengths import GradientLengths


def _lengths(networks: GradientLengths, chance: torch.Generator, count: int) -> dict[str, float]:
    totals = {"short": 0.0, "long": 0.0}
    for _ in range(count):
        for network, scale in (("short", 0.01), ("long", 30.0)):
            gradient = scale * torch.rand(8, generator=chance)
            totals[network] += float(networks.scaled(network, gradient).norm())
    return {network: total / count for network, total in totals.items()}


def test_the_mean_length_is_one_for_every_network() -> None:
    networks, chance = GradientLengths(), torch.Generator().manual_seed(0)
    assert _lengths(networks, chance, 300) == pytest.approx({"short": 1.0, "long": 1.0}, abs=0.1)
    resumed = GradientLengths(str(networks))
    assert _lengths(resumed, chance, 20) == pytest.approx({"short": 1.0, "long": 1.0}, abs=0.1)


def test_a_gradient_counts_less_where_the_network_is_fooled_already() -> None:
    networks = GradientLengths()
    usual = [float(networks.scaled("one", torch.ones(4)).norm()) for _ in range(10)]
    assert float(networks.scaled("one", 0.1 * torch.ones(4)).norm()) < 0.2 * usual[-1]


def test_a_gradient_of_zeros_stays_one() -> None:
    assert float(GradientLengths().scaled("one", torch.zeros(4)).norm()) == 0.0
