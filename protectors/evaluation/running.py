"""Runs protectors to their end."""

from collections.abc import Generator
from typing import Any, TypeVar

from torch import Tensor

from protectors.base import Budget, Outcome, Protector

Result = TypeVar("Result")


def end_of(run: Generator[Any, None, Result]) -> Result:
    """What a run returns; its progress is not looked at."""
    while True:
        try:
            next(run)
        except StopIteration as end:
            result: Result = end.value
            return result


def outcome_of(protector: Protector, originals: Tensor, budget: Budget) -> Outcome:
    """What a protector makes of images [B, 3, H, W]."""
    return end_of(protector.protect(originals, budget))
