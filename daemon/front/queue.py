"""The bounded queue between sockets and the worker, and the results that wait two minutes to be fetched.

Jobs run one at a time: batches of four would do a third more photos a second on a CPU, but each would wait a fifth longer
(`cloakroom bench daemon --batch`). Clients take turns, so that one with an album does not keep another waiting.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from daemon.front.backend import Backend
from daemon.front.fairness import in_turns
from daemon.front.jobs import Job, JobKey, QueueSettings
from daemon.front.readiness import WorkerLostError
from daemon.metrics.counts import Metrics
from daemon.wire.errors import SENTENCES, CloakroomError, Code
from daemon.wire.job_events import Failure, Finished, Listener, Running, Waiting
from daemon.wire.pipe import Done, Step
from daemon.wire.protocol import PolicyRequest

log = logging.getLogger("cloakroom.jobs")

ATTEMPTS = 2


class JobQueue:
    """Takes photos from every socket and gives them to the worker in order.

    Args:
        backend: has the worker.
        settings: bounds.
        clock: seconds that only go forward.
        metrics: where its jobs are counted.
    """

    def __init__(
        self,
        backend: Backend,
        settings: QueueSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
        metrics: Metrics | None = None,
    ) -> None:
        self._backend = backend
        self.settings = settings or QueueSettings()
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._jobs: dict[JobKey, Job] = {}
        self._ended: dict[JobKey, Job] = {}
        """Jobs that have ended, the oldest first: there may be thousands, and every end asks for the oldest."""
        self._kept_bytes = 0
        self._waiting: list[Job] = []
        """In order of arrival."""
        self._turns = 0
        self._served: dict[str, int] = {}
        """The turn that each client of those who wait had last."""
        self._running: Job | None = None
        self._reserved: dict[JobKey, int] = {}
        """The bytes that each upload under way promised."""
        self._arrived = asyncio.Event()
        self._has_jobs = asyncio.Event()
        """Set from a job's arrival until none is known any more."""
        self._tasks: list[asyncio.Task[None]] = []
        self._is_draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def queued(self) -> int:
        return len(self._waiting)

    @property
    def running(self) -> int:
        return int(self._running is not None)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run_all()), asyncio.create_task(self._pulse())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def drain(self, seconds: float) -> None:
        """Take nothing more and begin nothing more; returns when the photo that runs is done, or the time is up.

        Those that wait are handed back by the end of their socket: a client that comes again brings them again.
        """
        self._is_draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    # From the sockets.

    def reserve(self, client: str, job: str, size: int) -> None:
        """Keep a place for a photo of so many bytes that is about to be uploaded.

        Raises:
            CloakroomError: busy; bad-request if the id is in use.
        """
        self._forget_old()
        key = (client, job)
        if key in self._jobs or key in self._reserved:
            raise CloakroomError("bad-request")
        if self._is_draining or not self._has_room(client, size):
            raise CloakroomError("busy")
        self._reserved[key] = size
        # A worker that was not needed before starts while the photo is uploaded.
        self._backend.want()

    def _has_room(self, client: str, size: int) -> bool:
        here = [entry.key for entry in self._waiting] + list(self._reserved)
        held = sum(len(entry.data) for entry in self._waiting) + sum(self._reserved.values())
        if here and held + size > self.settings.waiting_bytes:
            return False
        return len(here) < self.settings.waiting or all(owner != client for owner, _ in here)

    def release(self, client: str, job: str) -> None:
        """Give the place of an upload back that did not come to an end."""
        self._reserved.pop((client, job), None)

    def submit(
        self, client: str, job: str, policy: PolicyRequest, channel: str | None, data: bytes, listener: Listener
    ) -> None:
        """Queue a photo whose place was reserved; the listener hears of it until its end."""
        key = (client, job)
        self._reserved.pop(key, None)
        entry = Job(key, policy, channel, data, listener, Waiting(0), self._clock())
        self._jobs[key] = entry
        self._has_jobs.set()
        self._waiting.append(entry)
        self._tell_positions()
        self._arrived.set()

    def cancel(self, client: str, job: str) -> None:
        """End a job; its listener hears `cancelled`.

        Raises:
            CloakroomError: unknown-job, also when it has ended already.
        """
        entry = self._jobs.get((client, job))
        if entry is None or entry.ended:
            raise CloakroomError("unknown-job")
        self._fail(entry, "cancelled")
        if entry is self._running:
            self._backend.give_up(entry.worker_name)
        else:
            self._waiting.remove(entry)
            self._tell_positions()

    def fetch(self, client: str, job: str, listener: Listener) -> None:
        """Hear of a job again, from its present state on; the socket that had it before hears no more.

        Raises:
            CloakroomError: unknown-job.
        """
        self._forget_old()
        entry = self._jobs.get((client, job))
        if entry is None:
            raise CloakroomError("unknown-job")
        entry.listener = listener
        entry.tell(entry.last)

    def leave(self, listener: Listener) -> None:
        """A socket is gone; its jobs go on."""
        for entry in self._jobs.values():
            if entry.listener == listener:
                entry.listener = None

    def drop_client(self, client: str) -> None:
        """A revoked client's jobs and results go with it."""
        for entry in [entry for key, entry in self._jobs.items() if key[0] == client]:
            if not entry.ended:
                entry.listener = None
                self.cancel(*entry.key)
            # The end of one job may already have swept out another that ended long ago.
            self._forget(entry)

    # To the worker.

    async def _run_all(self) -> None:
        while True:
            while not self._waiting or self._is_draining:
                self._arrived.clear()
                await self._arrived.wait()
            entry = self._running = self._next()
            self._idle.clear()
            self._tell_positions()
            try:
                await self._run(entry)
            except Exception as problem:
                log.error("queue: %s", type(problem).__name__)
                self._fail(entry, "internal")
            finally:
                self._running = None
                self._idle.set()
                entry.data = b""

    def _next(self) -> Job:
        """Take the job of the client whose turn it is; clients with nothing waiting are forgotten."""
        entry = self._in_turns()[0]
        self._waiting.remove(entry)
        self._turns += 1
        still_here = {waiting.key[0] for waiting in self._waiting}
        self._served = {client: turn for client, turn in self._served.items() if client in still_here}
        self._served[entry.key[0]] = self._turns
        return entry

    def _in_turns(self) -> list[Job]:
        return in_turns(self._waiting, lambda entry: entry.key[0], self._served)

    async def _run(self, entry: Job) -> None:
        """Run a job, at most twice: whatever killed the worker may have had nothing to do with this photo."""

        def step(message: Step) -> None:
            if not entry.ended:
                entry.tell(Running(message.stage, message.done, message.total))

        entry.tell(Running("decode", 0, 1))
        deadline = asyncio.get_running_loop().call_later(self.settings.deadline, self._overdue, entry)
        begun = self._clock()
        self._metrics.waited(begun - entry.arrived)
        try:
            for _ in range(ATTEMPTS):
                if entry.ended:
                    return
                with contextlib.suppress(WorkerLostError):
                    await self._backend.started()
                    # It may have been cancelled meanwhile, or overdue, and there was no worker yet to be told to let go of it.
                    if entry.ended:
                        return
                    outcome, body = await self._backend.run(entry.worker_name, entry.policy, entry.channel, entry.data, step)
                    if entry.ended:
                        return
                    if isinstance(outcome, Done):
                        self._metrics.worked(outcome.report.get("seconds"))
                        self._end(entry, Finished(outcome.mime, body, outcome.report))
                    else:
                        self._end(entry, Failure(outcome.code, outcome.sentence))
                    return
            self._fail(entry, "worker-died")
        finally:
            deadline.cancel()
            outcome_name = entry.last.code if isinstance(entry.last, Failure) else "done"
            log.info("a job ended: %s, %.1f s", outcome_name, self._clock() - begun)

    def _overdue(self, entry: Job) -> None:
        self._fail(entry, "deadline")
        self._backend.give_up(entry.worker_name)

    # Ends.

    def _fail(self, entry: Job, code: Code) -> None:
        self._end(entry, Failure(code, SENTENCES[code]))

    def _end(self, entry: Job, event: Finished | Failure) -> None:
        if entry.ended:
            return
        entry.ended_at = self._clock()
        self._metrics.ended(event.code if isinstance(event, Failure) else "done")
        entry.data = b""
        entry.tell(event)
        self._ended[entry.key] = entry
        self._kept_bytes += entry.kept_bytes
        self._forget_old()

    def _forget_old(self) -> None:
        """Drop what was kept for long enough, and the oldest results beyond the memory for them."""
        now = self._clock()
        while self._ended:
            oldest = next(iter(self._ended.values()))
            is_old = now - (oldest.ended_at or 0.0) > self.settings.keep
            if not is_old and self._kept_bytes <= self.settings.kept_bytes:
                return
            self._forget(oldest)

    def _forget(self, entry: Job) -> None:
        self._jobs.pop(entry.key, None)
        if self._ended.pop(entry.key, None) is not None:
            self._kept_bytes -= entry.kept_bytes

    # Signs of life.

    def _tell_positions(self) -> None:
        for index, entry in enumerate(self._in_turns()):
            entry.tell(Waiting(index + self.running))

    async def _pulse(self) -> None:
        while True:
            await self._has_jobs.wait()
            await asyncio.sleep(self.settings.pulse)
            self._forget_old()
            if not self._jobs:
                self._has_jobs.clear()
            self._tell_positions()
            if self._running is not None and not self._running.ended:
                self._running.tell(self._running.last)
