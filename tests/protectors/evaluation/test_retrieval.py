"""Tests the measures of retrieval on codes ranked by hand."""

import pytest
import torch

from protectors.adversaries.hash_encoder import hamming_distances
from protectors.evaluation.retrieval import mean_average_precision, precision_within

DATABASE = torch.tensor([[1.0, 1, 1, 1], [1, 1, 1, -1], [1, 1, -1, -1], [-1, -1, -1, -1]])
LABELS = torch.tensor([0, 1, 0, 1])
QUERY = torch.tensor([[1.0, 1, 1, 1]])


def test_distances_are_bits_that_differ() -> None:
    assert hamming_distances(QUERY, DATABASE).tolist() == [[0, 1, 2, 4]]


@pytest.mark.parametrize(("top", "expected"), [(1, 1.0), (2, 1.0), (3, (1 + 2 / 3) / 2), (4, (1 + 2 / 3) / 2)])
def test_average_precision_of_the_nearest(top: int, expected: float) -> None:
    assert mean_average_precision(QUERY, torch.tensor([0]), DATABASE, LABELS, top) == pytest.approx(expected)


def test_a_query_that_finds_nothing_of_its_label_counts_as_nothing() -> None:
    queries, labels = torch.cat([QUERY, QUERY]), torch.tensor([0, 7])
    assert mean_average_precision(queries, labels, DATABASE, LABELS, 4) == pytest.approx((1 + 2 / 3) / 4)


def test_equal_distances_keep_the_order_of_the_database() -> None:
    database = QUERY.repeat(300, 1)
    labels = torch.arange(300)
    assert mean_average_precision(QUERY, torch.tensor([0]), database, labels, 10) == 1.0
    assert mean_average_precision(QUERY, torch.tensor([9]), database, labels, 10) == pytest.approx(0.1)


@pytest.mark.parametrize(("radius", "expected"), [(0, 1.0), (1, 0.5), (2, 2 / 3), (4, 0.5)])
def test_precision_within_a_radius(radius: int, expected: float) -> None:
    assert precision_within(QUERY, torch.tensor([0]), DATABASE, LABELS, radius) == pytest.approx(expected)


def test_an_empty_neighbourhood_counts_as_nothing() -> None:
    assert precision_within(-QUERY, torch.tensor([0]), DATABASE[:1], LABELS[:1]) == 0
