"""The cost of an idle daemon: start, memory, and wakeups of the machine."""

import asyncio
import statistics
import sys
from pathlib import Path

import psutil

from daemon.figures import say
from tests.benchmarks.daemon.process import Daemon, running

STARTS = 7
IDLE_SECONDS = 20.0
REST_SECONDS = 3.0
READY_SECONDS = 180.0
"""A worker that died at its start is started again for ever: beyond this the daemon will not be ready."""


def wakeups(process: psutil.Process) -> int:
    """How often its threads have been woken so far."""
    count = 0
    for status in Path(f"/proc/{process.pid}/task").glob("*/status"):
        facts = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        count += int(facts["voluntary_ctxt_switches"])
    return count


async def until_ready(daemon: Daemon) -> None:
    """Wait for the worker.

    Raises:
        TimeoutError: it is not ready within ``READY_SECONDS``; what it said is on this process's standard error.
    """
    async with asyncio.timeout(READY_SECONDS), await daemon.client() as client:
        while (await client.status()).worker != "ready":  # noqa: ASYNC110 - the daemon tells when asked
            await asyncio.sleep(0.1)


async def measure() -> dict[str, float]:
    """`ready_ms` from the process's start to its listening (median), `front_rss` bytes, `idle.*` wakeups a second."""
    starts = []
    for number in range(STARTS):
        with running() as daemon:
            starts.append(daemon.ready_ms)
            say(f"start {number + 1} of {STARTS}: {daemon.ready_ms:.0f} ms")
    figures = {"ready_ms": statistics.median(starts), "ready_ms.slowest": max(starts)}
    with running() as daemon:
        await until_ready(daemon)
        # What the client that asked leaves behind goes first.
        await asyncio.sleep(REST_SECONDS)
        figures["front_rss"] = float(daemon.front.memory_info().rss)
        worker = daemon.worker()
        if sys.platform == "linux" and worker is not None:
            both = {"front": daemon.front, "worker": worker}
            before = {name: wakeups(process) for name, process in both.items()}
            await asyncio.sleep(IDLE_SECONDS)
            for name, process in both.items():
                figures[f"idle.{name}_wakeups"] = (wakeups(process) - before[name]) / IDLE_SECONDS
    return figures
