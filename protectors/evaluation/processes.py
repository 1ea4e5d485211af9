"""Photos one at a time, on every core: how an evaluation on a CPU is quickest."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TypeVar

import torch

from protectors.cloak import Cloakroom
from protectors.evaluation.measurement import Measurement

Item = TypeVar("Item")
Result = TypeVar("Result")


def processes(device: str) -> AbstractContextManager[Executor | None]:
    """A pool with a process a core; none for a GPU, which one process keeps busy."""
    if device == "cuda":
        return nullcontext()
    # One thread a process: on a CPU that is well quicker than all threads on one small photo.
    return ProcessPoolExecutor(
        os.cpu_count() or 1, multiprocessing.get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    )


@cache
def room_of(device: str) -> Cloakroom:
    """All adversaries, loaded once in this process, which may be one of a pool."""
    return Cloakroom(device)


def each(
    pool: Executor | None, task: Callable[[Item], Result], items: Sequence[Item], measurement: Measurement
) -> list[Result]:
    """What a task makes of each item, in order, with progress; where there is a pool the task is one that pickles."""
    results: list[Result] = []
    for result in pool.map(task, items) if pool else map(task, items):
        results.append(result)
        measurement.progress(len(results), len(items))
    return results
