"""Runs protectors to their end."""

from torch import Tensor

from protectors.base import Budget, CloakedBatch, Protector
from protectors.progress import end_of


def cloaked_batch(protector: Protector, originals: Tensor, budget: Budget) -> CloakedBatch:
    """Cloak images [B, 3, H, W] with a protector."""
    return end_of(protector.protect(originals, budget))
