"""The progress of a run, and a run to its end. Nothing here imports torch."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """The state of one stage of a run: ``done`` of ``total`` steps."""

    stage: str
    done: int
    total: int


def end_of(run: Generator[Any, None, Result]) -> Result:
    """Return what a run returns; its progress is not looked at."""
    while True:
        try:
            next(run)
        except StopIteration as end:
            result: Result = end.value
            return result
