"""Processes photos in parallel, one on each core, which is quickest on a CPU."""

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
    """Return a pool with one process for each core, or None for a GPU, which one process keeps busy."""
    if device == "cuda":
        return nullcontext()
    # One thread in each process is much quicker than all threads on one small photo.
    return ProcessPoolExecutor(
        os.cpu_count() or 1, multiprocessing.get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    )


@cache
def room_of(device: str) -> Cloakroom:
    """Load all adversaries once in this process, which may be one of a pool."""
    return Cloakroom(device)


def each(
    pool: Executor | None, task: Callable[[Item], Result], items: Sequence[Item], measurement: Measurement
) -> list[Result]:
    """Apply a task to each item, with progress, and return the results in order. For a pool, the task must pickle."""
    results: list[Result] = []
    for result in pool.map(task, items) if pool else map(task, items):
        results.append(result)
        measurement.progress(len(results), len(items))
    return results
