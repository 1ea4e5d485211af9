"""Runs protectors to their end."""

from torch import Tensor

from protectors.base import Budget, Outcome, Protector
from protectors.progress import end_of


def outcome_of(protector: Protector, originals: Tensor, budget: Budget) -> Outcome:
    """Return what a protector makes of images [B, 3, H, W]."""
    return end_of(protector.protect(originals, budget))
