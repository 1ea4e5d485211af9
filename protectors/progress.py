"""The progress that a run yields, and a function that runs one to its end. Nothing here imports torch."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """The state of one stage of a run: ``done`` of ``total`` steps are finished."""

    stage: str
    done: int
    total: int


def passed_on(
    run: Generator[Progress, None, Result], change: Callable[[Progress], Progress]
) -> Generator[Progress, None, Result]:
    """Pass on the progress of a run as ``change`` makes it, and return the run's result. Closing it closes the run."""
    with closing(run):
        while True:
            try:
                progress = next(run)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield change(progress)


def end_of(run: Generator[Any, None, Result]) -> Result:
    """Run to the end, ignore the progress, and return the result."""
    while True:
        try:
            next(run)
        except StopIteration as end:
            result: Result = end.value
            return result
