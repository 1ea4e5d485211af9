"""The front's hold on the worker: starts it, listens to it, kills it when it hangs or grows, and starts the next."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import psutil

from daemon.front.readiness import Readiness, WorkerLostError, pause_after
from daemon.front.watch import Watch
from daemon.front.worker_process import EntryPoint, WorkerProcess
from daemon.wire.exit_status import CANNOT_CLOAK, DEVICE_LOST
from daemon.wire.pipe import Beat, Done, Failed, FromWorker, Ready, Step, Work
from daemon.wire.protocol import PolicyRequest, WorkerState
from daemon.wire.worker_settings import WorkerSettings

log = logging.getLogger("cloakroom.supervisor")

LOOK_SECONDS = 0.5
"""Time between two looks at a worker that is busy."""

STUCK_SECONDS = 60.0
"""Time without a look at the worker after which the watching task must be stuck."""

TOO_MUCH_MEMORY = "it used too much memory"
COULD_NOT_CLOAK = "it could not cloak a small photo"

UNUSED_BYTES = 4 * 1024**3
"""Added to the limit of resident bytes for the kernel's limit, which also counts memory that was never touched."""


@dataclass
class _Current:
    job: str
    ended: asyncio.Future[tuple[Done | Failed, bytes]]
    on_step: Callable[[Step], None]
    given_up: float | None = None


class Supervisor:
    """Keeps exactly one worker process alive.

    Args:
        settings: handed to the worker.
        watch: its limits.
        entry: the function that the process runs: `daemon.worker.process.main`, but in tests.
    """

    def __init__(self, settings: WorkerSettings, watch: Watch | None, entry: EntryPoint) -> None:
        self._watch = watch or Watch()
        self._settings = replace(settings, memory=self._watch.memory + UNUSED_BYTES, held=self._watch.memory)
        self._entry = entry
        self._current: _Current | None = None
        self._process: WorkerProcess | None = None
        self._readiness = Readiness()
        self._loop_task: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._stirred = asyncio.Event()
        """Somebody has something for the worker, or it is gone: it has to be looked at."""
        self._is_resting = False
        self._last_heard = 0.0
        self._last_look = time.monotonic()
        self._was_ready = False
        self.facts: Ready | None = None
        self.restarts = 0
        """Workers that ended, whatever they ended of."""
        self.device_memory: int | None = None
        """Bytes that the worker holds of its graphics card, where it has said."""
        self.end_reason: str | None = None
        """Why the last worker ended."""

    @property
    def state(self) -> WorkerState:
        return self._readiness.state

    @property
    def is_alive(self) -> bool:
        """Whether the worker is watched: one that is well is heard, and any other is killed and replaced."""
        task = self._loop_task
        if task is None or task.done():
            return False
        # Before there is need of a worker there is none to look at, and one that rests is left alone.
        is_left_alone = self._is_resting or not self._wanted.is_set()
        return is_left_alone or time.monotonic() - self._last_look < STUCK_SECONDS

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def rss(self) -> int:
        """Resident memory of the worker in bytes; 0 while there is none, or it cannot be read."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss) if self.pid else 0
        except (psutil.Error, OSError):
            return 0

    def start(self, wanted: bool = True) -> None:
        """Spawn the worker now, or where it is not wanted yet, with the first job or `want`."""
        if wanted:
            self.want()
        self._loop_task = asyncio.create_task(self._keep_alive())

    def want(self) -> None:
        """There is need of a worker from now on."""
        if not self._wanted.is_set():
            self._last_look = time.monotonic()
            self._wanted.set()

    async def stop(self) -> None:
        """Kill the worker for good."""
        if self._loop_task is not None:
            self._loop_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop_task
            self._loop_task = None

    # Jobs.

    async def run(
        self, job: str, policy: PolicyRequest, channel: str | None, data: bytes, on_step: Callable[[Step], None]
    ) -> tuple[Done | Failed, bytes]:
        """Have the worker do one job; returns once the worker is free again.

        Raises:
            WorkerLostError: it died before it was done, or could not be started.
        """
        process = await self._ready()
        current = _Current(job, asyncio.get_running_loop().create_future(), on_step)
        self._current = current
        # It has rested, and need not have been heard since.
        self._last_heard = time.monotonic()
        self._stirred.set()
        try:
            try:
                # In a thread: the pipe is slower than a large photo, and the loop has sockets to serve.
                work = Work(job=job, policy=policy, size=len(data), channel=channel)
                await asyncio.to_thread(process.line.send, work, data)
            except OSError:
                current.ended.cancel()
                # Dead, though its end has not come to be noticed: nobody else shall be given its line.
                if process is self._process:
                    self._readiness.change("restarting")
                raise WorkerLostError from None
            return await current.ended
        finally:
            self._current = None

    def give_up(self, job: str) -> None:
        """Tell the worker to let go of the job; it is killed if it has not within the grace."""
        current, process = self._current, self._process
        if current is None or current.job != job or process is None or current.given_up is not None:
            return
        current.given_up = time.monotonic()
        process.tell_to_stop(job)

    async def started(self) -> Ready:
        """Return the worker's facts once it has loaded its models.

        Raises:
            WorkerLostError: this start failed.
        """
        await self._ready()
        if self.facts is None:
            raise WorkerLostError
        return self.facts

    async def _ready(self) -> WorkerProcess:
        """A worker that has loaded its models.

        Raises:
            WorkerLostError: this start failed.
        """
        self.want()
        return await self._readiness.wait(lambda: self._process)

    # The process.

    async def _keep_alive(self) -> None:
        failed_in_a_row = 0
        await self._wanted.wait()
        while True:
            failed_starts = self._readiness.failed_starts
            try:
                self.end_reason = await self._run_worker()
            except Exception as problem:
                # No memory, descriptors or threads to spawn one. Nobody restarts this task, and without it jobs wait for ever.
                self.end_reason = type(problem).__name__
            finally:
                await asyncio.shield(self._reap())
            log.warning("the worker ended: %s", self.end_reason)
            self.restarts += 1
            failed_in_a_row = failed_in_a_row + 1 if self._readiness.failed_starts != failed_starts else 0
            if failed_in_a_row:
                self._last_look = time.monotonic()
                await asyncio.sleep(pause_after(failed_in_a_row))

    async def _run_worker(self) -> str:
        """Start a worker and watch it until it is gone; return why it is."""
        # First of all: one that ends before it was born counts as a failed start, whatever the one before it was.
        self._was_ready = False
        gone = asyncio.Event()

        def lose() -> None:
            gone.set()
            self._stirred.set()

        process = WorkerProcess(self._entry, self._settings, lambda *report: self._hear(process, *report), lose)
        self._process = process
        begun = self._last_heard = time.monotonic()
        await process.start()
        while True:
            self._last_look = time.monotonic()
            if not gone.is_set():
                await self._wait()
            if gone.is_set():
                return "it died"
            reason = self._limit_exceeded(begun)
            if reason:
                return reason

    async def _wait(self) -> None:
        """A moment where there is something to watch. A worker that rests is left alone, and so is the machine."""
        self._stirred.clear()
        self._is_resting = self._was_ready and self._current is None
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if self._is_resting else LOOK_SECONDS):
                    await self._stirred.wait()
        finally:
            self._is_resting = False

    def _limit_exceeded(self, begun: float) -> str | None:
        now = time.monotonic()
        given_up = self._current.given_up if self._current else None
        is_busy = self._current is not None or not self._was_ready
        if is_busy and now - self._last_heard > self._watch.silence:
            return "it fell silent"
        if not self._was_ready and now - begun > self._watch.start:
            return "it took too long to start"
        if given_up is not None and now - given_up > self._watch.grace:
            return "it did not let go of a job"
        if self.rss() > self._watch.memory:
            return TOO_MUCH_MEMORY
        return None

    async def _reap(self) -> None:
        process, self._process = self._process, None
        self.device_memory = None
        self._readiness.change("restarting")
        goes_on = False
        if process is not None:
            status = await process.end()
            if status == CANNOT_CLOAK:
                self.end_reason = COULD_NOT_CLOAK
            goes_on = self._goes_on_without_card(status)
        if not self._was_ready and not goes_on:
            # Whoever waits for it is told. A card that was full at the start is no reason to: the next worker needs none.
            self._readiness.fail()
        if process is not None:
            process.line.close()
        if self._current is not None and not self._current.ended.done():
            self._current.ended.set_exception(WorkerLostError())

    def _goes_on_without_card(self, exitcode: int | None) -> bool:
        """Have the next worker compute on the CPU where the GPU was lost or full; its job is tried again there."""
        if exitcode != DEVICE_LOST or self._settings.device == "cpu":
            return False
        self._settings = replace(self._settings, device="cpu")
        log.warning("the graphics card is lost or full: photos take longer now. Restart the daemon when it is back.")
        return True

    def _hear(self, process: WorkerProcess, message: FromWorker, body: bytes) -> None:
        if process is not self._process:
            return
        self._last_heard = time.monotonic()
        if isinstance(message, Ready):
            self.facts, self._was_ready = message, True
            log.info("the worker is ready; its jail: %s", ", ".join(message.walls) or "none on this system")
            self._readiness.change("ready")
            return
        current = self._current
        if isinstance(message, Beat):
            self.device_memory = message.device_memory
            return
        if current is None or message.job != current.job:
            return
        if isinstance(message, Step):
            current.on_step(message)
        elif not current.ended.done():
            current.ended.set_result((message, body))
