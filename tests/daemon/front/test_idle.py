"""A daemon that has nothing to do does nothing: neither its front nor its worker wakes the machine."""

import asyncio
import sys
import time

import pytest

from tests.benchmarks.daemon.front import until_ready, wakeups
from tests.benchmarks.daemon.process import running
from tests.benchmarks.daemon.untouched import POLICY
from tests.daemon.samples import astronaut, saved

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts what Linux counts")

SETTLE_SECONDS = 2.0
IDLE_SECONDS = 4.0


def test_nobody_wakes_while_there_is_nothing_to_do() -> None:
    with running(module="tests.benchmarks.daemon.untouched") as daemon:
        asyncio.run(until_ready(daemon))
        worker = daemon.worker()
        assert worker is not None
        time.sleep(SETTLE_SECONDS)
        before = wakeups(daemon.front), wakeups(worker)
        time.sleep(IDLE_SECONDS)
        assert (wakeups(daemon.front), wakeups(worker)) == before

        async def protect() -> None:
            async with await daemon.client() as client:
                assert (await client.protect(saved(astronaut(), "PNG"), POLICY, name="a")).data

        # And it is there again when it is needed; which both of them have noticed.
        asyncio.run(protect())
        assert (wakeups(daemon.front) > before[0], wakeups(worker) > before[1]) == (True, True)
