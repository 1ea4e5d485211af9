"""The published losses of three deep-hashing methods, over outputs [B, bits] and labels [B] of one batch."""

import torch
from torch import Tensor, nn
from torch.nn import functional


def similar_pairs(labels: Tensor) -> Tensor:
    """Return 1 for pairs of images with the same label, else 0, as [B, B]; the diagonal has no meaning."""
    return (labels[:, None] == labels[None]).float()


def dsh(outputs: Tensor, labels: Tensor, weight: float = 0.01) -> Tensor:
    """Return the loss of deep supervised hashing (Liu, Wang, Shan, Chen, CVPR 2016, equation 3), mean over pairs.

    Similar images attract, others repel up to a margin of twice the bits; ``weight`` pulls values to -1 and 1.
    """
    similar = similar_pairs(labels)
    distances = torch.cdist(outputs, outputs, compute_mode="donot_use_mm_for_euclid_dist").square()
    margin = 2.0 * outputs.shape[1]
    pairs = 0.5 * similar * distances + 0.5 * (1 - similar) * (margin - distances).clamp(min=0)
    off_diagonal = 1 - torch.eye(len(outputs), device=outputs.device, dtype=outputs.dtype)
    regular = 2 * weight * (outputs.abs() - 1).abs().sum(1).mean()
    return (pairs * off_diagonal).sum() / off_diagonal.sum() + regular


def dpsh(outputs: Tensor, labels: Tensor, weight: float = 0.1) -> Tensor:
    """Return the loss of deep pairwise-supervised hashing (Li, Wang, Kang, IJCAI 2016, equation 4): the mean negative
    log-likelihood of the pairs, plus ``weight`` times the mean squared distance of the outputs from their codes."""
    similar = similar_pairs(labels)
    inner = outputs @ outputs.T / 2
    likelihood = functional.softplus(inner) - similar * inner
    off_diagonal = 1 - torch.eye(len(outputs), device=outputs.device, dtype=outputs.dtype)
    quantised = (outputs - outputs.detach().sign()).square().mean()
    return (likelihood * off_diagonal).sum() / off_diagonal.sum() + weight * quantised


def dbh(outputs: Tensor, labels: Tensor, classifier: nn.Linear) -> Tensor:
    """Return the loss of deep binary hashing (Lin, Yang, Hsiao, Chen, CVPR workshops 2015, section 3.2): the cross-entropy of
    classes read from a latent layer of sigmoid units, each of which is a bit if it exceeds a half."""
    return functional.cross_entropy(classifier(torch.sigmoid(outputs)), labels)
