"""The loss of the generator of protective perturbations.

Source: the protective-perturbation paper's weighted sum: the target model still reads the class (w_target 1), the auxiliary
model, which stands for all other viewers, does not (w_aux 1), and the picture loses its similarity (w_SSIM 0.5).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from protectors.quality import ssim_of
from protectors.visual import unread


@dataclass(frozen=True)
class Weights:
    target: float = 1.0
    auxiliary: float = 1.0
    likeness: float = 0.5


def loss(
    originals: Tensor, perturbed: Tensor, target: Tensor, auxiliary: Tensor | None, labels: Tensor, weights: Weights
) -> Tensor:
    """Return the mean loss of perturbed images [B, 3, H, W] with logits [B, classes] ``target`` and ``auxiliary``.

    Without an auxiliary model, its term is left out, which is the paper's ablation.
    """
    total = weights.target * functional.cross_entropy(target, labels, reduction="none")
    total = total + weights.likeness * ssim_of(originals, perturbed)
    if auxiliary is not None:
        total = total + weights.auxiliary * unread(auxiliary, labels)
    return torch.mean(total)
