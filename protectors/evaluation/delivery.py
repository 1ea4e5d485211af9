"""Runs protectors to their end."""

from torch import Tensor

from protectors.base import Budget, Outcome, Protector


def outcome_of(protector: Protector, originals: Tensor, budget: Budget) -> Outcome:
    """What a protector makes of images [B, 3, H, W]; its progress is not looked at."""
    run = protector.protect(originals, budget)
    while True:
        try:
            next(run)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
