"""Runs passes of different networks at the same time, each on its own share of the processor's cores.

A pass of a small network is hundreds of short operations. Divided among threads, each operation waits for its slowest thread:
on two cores a photo took 13.5 s with two threads, and 12.5 s with one. Passes beside each other do not wait.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import torch

LANES = 2
"""Largest number of passes at the same time. Their maps are what needs memory."""

Result = TypeVar("Result")


def side_by_side(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run calls that do not depend on each other, and return their results in order.

    They run at the same time where torch may use two threads or more; the results are the same either way, up to the rounding
    of operations that torch divides among threads. An exception of a call is raised once all have ended.
    """
    threads = torch.get_num_threads()
    if len(calls) < 2 or threads < LANES:
        return [call() for call in calls]
    needs_gradients = torch.is_grad_enabled()

    def run(call: Callable[[], Result]) -> Result:
        # Whether gradients are kept is a setting of each thread.
        with torch.set_grad_enabled(needs_gradients):
            return call()

    running = [_pool(threads // LANES).submit(run, call) for call in calls]
    errors = [error for one in running if (error := one.exception())]
    if errors:
        raise errors[0]
    return [one.result() for one in running]


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return the threads that stay for all photos; each call may use ``threads`` of torch's."""
    return ThreadPoolExecutor(LANES, "lane", torch.set_num_threads, (threads,))
