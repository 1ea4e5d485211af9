"""The published losses of three deep-hashing methods, over outputs [B, bits] and labels [B] of one batch."""

import torch
from torch import Tensor, nn
from torch.nn import functional


def similar_pairs(labels: Tensor) -> Tensor:
    """1 where two images of the batch share their label, else 0: [B, B] without the diagonal's meaning."""
    return (labels[:, None] == labels[None]).float()


def dsh(outputs: Tensor, labels: Tensor, weight: float = 0.01) -> Tensor:
    """Deep supervised hashing (Liu, Wang, Shan, Chen, CVPR 2016, equation 3), mean over pairs.

    Similar images attract, others repel up to the margin of twice the bits; ``weight`` pulls values to -1 and 1.
    """
    similar = similar_pairs(labels)
    distances = torch.cdist(outputs, outputs, compute_mode="donot_use_mm_for_euclid_dist").square()
    margin = 2.0 * outputs.shape[1]
    pairs = 0.5 * similar * distances + 0.5 * (1 - similar) * (margin - distances).clamp(min=0)
    off_diagonal = 1 - torch.eye(len(outputs), device=outputs.device, dtype=outputs.dtype)
    regular = 2 * weight * (outputs.abs() - 1).abs().sum(1).mean()
    return (pairs * off_diagonal).sum() / off_diagonal.sum() + regular


def dpsh(outputs: Tensor, labels: Tensor, weight: float = 0.1) -> Tensor:
    """Deep pairwise-supervised hashing (Li, Wang, Kang, IJCAI 2016, equation 4): the mean negative log-likelihood of the pairs,
    and ``weight`` times how far the outputs are from their codes.
    """
    similar = similar_pairs(labels)
    inner = outputs @ outputs.T / 2
    likelihood = functional.softplus(inner) - similar * inner
    off_diagonal = 1 - torch.eye(len(outputs), device=outputs.device, dtype=outputs.dtype)
    quantised = (outputs - outputs.detach().sign()).square().mean()
    return (likelihood * off_diagonal).sum() / off_diagonal.sum() + weight * quantised


def dbh(outputs: Tensor, labels: Tensor, classifier: nn.Linear) -> Tensor:
    """Deep binary hashing (Lin, Yang, Hsiao, Chen, CVPR workshops 2015, section 3.2): classes read from the latent layer alone,
    whose units are sigmoids; a bit is whether a unit exceeds a half.
    """
    return functional.cross_entropy(classifier(torch.sigmoid(outputs)), labels)
