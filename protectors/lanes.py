"""Runs passes of different networks at the same time, each on its own share of the processor's cores.

A pass of a small network is hundreds of short operations. Divided among threads, each operation waits for its slowest thread:
on two cores a photo took 13.5 s with two threads, and 12.5 s with one. Passes beside each other do not wait.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

import torch

LANES = 2
"""Largest number of passes at the same time. Each holds its network's feature maps, so more passes need more memory."""

CPU = torch.device("cpu")

Result = TypeVar("Result")


def side_by_side(calls: Sequence[Callable[[], Result]], device: torch.device = CPU) -> list[Result]:
    """Run calls that do not depend on each other, and return their results in order.

    They run at the same time on a CPU of which torch may use two threads or more, and else one after the other: a GPU runs one
    operation after the other anyway, and torch's one for Apple crashes with two threads. The results are the same either way,
    up to the rounding of operations that torch divides among threads. An exception of a call is raised once all have ended.
    """
    threads = torch.get_num_threads()
    if len(calls) < 2 or threads < LANES or device.type != "cpu":
        return [call() for call in calls]
    needs_gradients = torch.is_grad_enabled()

    def run(call: Callable[[], Result]) -> Result:
        # Whether gradients are kept is a setting of each thread.
        with torch.set_grad_enabled(needs_gradients):
            return call()

    running = [_pool(threads).submit(run, call) for call in calls]
    try:
        wait(running)
        return [one.result() for one in running]
    finally:
        # An exception holds this frame, and the frame would hold the results.
        del running


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return the lanes of a thread that may use ``threads`` of torch's. They stay for all photos."""
    have_begun = threading.Barrier(LANES + 1)

    def begin() -> None:
        torch.set_num_threads(threads // LANES)
        # A thread takes the number of torch's at its first operation; asking for it is one.
        torch.get_num_threads()
        have_begun.wait()

    pool = ThreadPoolExecutor(LANES, "lane", begin)
    for _ in range(LANES):
        pool.submit(int)
    have_begun.wait()
    # The lanes' share has become the default of threads that begin later, too.
    torch.set_num_threads(threads)
    return pool
