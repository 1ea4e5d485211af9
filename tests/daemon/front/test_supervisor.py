"""A machine that has nothing left to spawn a worker with: that start fails by name, and a later one comes."""

import asyncio
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from daemon.front.queue import JobQueue
from daemon.front.readiness import LONGEST_PAUSE, pause_after
from daemon.front.supervisor import Supervisor
from daemon.wire.job_events import Event, Failure, Finished
from daemon.wire.worker_settings import WorkerSettings
from tests.daemon.conftest import POLICY
from tests.daemon.front.every_backend import until
from tests.daemon.odd_workers import echo

PHOTO = b"not looked at by this worker"


@contextmanager
def descriptors(left: int) -> Iterator[None]:
    """This process can open so many more files, pipes and sockets; with 0, not even in place of those that it closes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(left + 1)]
    for number in taken:
        os.close(number)
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[-1] if left else 3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("left", [pytest.param(0, id="no pipe"), pytest.param(2, id="a pipe, and no process")])
async def test_one_that_cannot_be_spawned_fails_its_job_and_not_the_next(left: int, caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor(WorkerSettings(), None, echo)
    queue = JobQueue(supervisor)

    async def end_of(job: str) -> Event:
        events: asyncio.Queue[Event] = asyncio.Queue()
        queue.submit("client", job, POLICY, None, PHOTO, lambda _, event: events.put_nowait(event))
        async with asyncio.timeout(30):
            while not isinstance(event := await events.get(), Failure | Finished):
                pass
        return event

    supervisor.start()
    queue.start()
    try:
        # A good start before does not excuse a failed one, and what spawning needs is loaded.
        await asyncio.wait_for(supervisor.started(), 30)
        assert supervisor.pid is not None
        with descriptors(left):
            os.kill(supervisor.pid, signal.SIGKILL)
            await until(lambda: supervisor.state == "restarting")
            failure = await end_of("first")
            tries = supervisor._readiness.failed_starts
        assert isinstance(failure, Failure)
        assert failure.code == "worker-died"
        assert "the worker ended: OSError" in caplog.text
        assert tries <= 3, "they come slower and slower"
        finished = await end_of("second")
        assert isinstance(finished, Finished)
        assert finished.data == PHOTO
    finally:
        await queue.stop()
        await supervisor.stop()


def test_the_pause_between_failed_starts_grows_and_is_never_too_long() -> None:
    pauses = [pause_after(failed) for failed in range(1, 3000)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (1.0, LONGEST_PAUSE)
