"""Measures how well a search by codes finds images of the same class: mean average precision, and precision within a radius."""

import torch
from torch import Tensor

from protectors.adversaries.hash_encoder import hamming_distances

QUERIES_AT_ONCE = 100


def mean_average_precision(queries: Tensor, query_labels: Tensor, database: Tensor, labels: Tensor, top: int) -> float:
    """Return the mAP of queries [Q, bits] over the ``top`` nearest codes [N, bits] by Hamming distance.

    Equal labels are relevant. Images at the same distance keep the database's order. A query that retrieves nothing of its
    label counts as 0 (Liu et al., Deep supervised hashing, 2016, section 4.1).
    """
    ranks = torch.arange(1, top + 1, dtype=torch.float64)
    total = 0.0
    for codes, wanted in zip(queries.split(QUERIES_AT_ONCE), query_labels.split(QUERIES_AT_ONCE), strict=True):
        order = hamming_distances(codes, database).argsort(dim=1, stable=True)[:, :top]
        relevant = (labels[order] == wanted[:, None]).double()
        precisions = relevant.cumsum(1) / ranks[: order.shape[1]]
        total += float(((precisions * relevant).sum(1) / relevant.sum(1).clamp(min=1)).sum())
    return total / len(queries)


def precision_within(queries: Tensor, query_labels: Tensor, database: Tensor, labels: Tensor, radius: int = 2) -> float:
    """Return the share of equal labels within a Hamming radius, mean over queries; a query without neighbours counts as 0."""
    total = 0.0
    for codes, wanted in zip(queries.split(QUERIES_AT_ONCE), query_labels.split(QUERIES_AT_ONCE), strict=True):
        near = hamming_distances(codes, database) <= radius
        hits = (near & (labels[None] == wanted[:, None])).sum(1).double()
        total += float((hits / near.sum(1).clamp(min=1)).sum())
    return total / len(queries)
