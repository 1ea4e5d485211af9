"""The front's hold on the worker: spawns it, listens to it, kills it when it hangs or grows, and spawns the next."""

import asyncio
import codecs
import contextlib
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection

import msgspec
import psutil

from daemon.wire.pipe import Beat, Done, Failed, FromWorker, Line, Ready, Step, Stop, Work
from daemon.wire.plain_text import plain_lines
from daemon.wire.protocol import Policy, WorkerState
from daemon.wire.worker_settings import WorkerSettings
from daemon.worker.failing import CANNOT_CLOAK, DEVICE_LOST
from daemon.worker.process import main

log = logging.getLogger("cloakroom.supervisor")

PAUSE = 30.0
"""Seconds between starts that fail, at most."""

LOOK = 0.5
"""Seconds between two looks at a worker that is busy."""

UNWATCHED = 60.0
"""Seconds without a look at the worker after which nobody can be looking any more."""

TOO_MUCH_MEMORY = "it used too much memory"
COULD_NOT_CLOAK = "it could not cloak a small photo"

UNTOUCHED = 4 * 1024**3
"""Bytes that a worker may have asked for and not used: stacks of threads, and what allocators keep."""

EntryPoint = Callable[[Connection, WorkerSettings], None]


def default_memory() -> int:
    """Bytes that the worker may hold: three quarters of the machine's memory, 16 GiB at most."""
    return min(16 * 1024**3, psutil.virtual_memory().total * 3 // 4)


@dataclass(frozen=True)
class Watch:
    """When the worker is given up.

    Attributes:
        start: seconds until it must have loaded its models.
        silence: seconds without a beat.
        grace: seconds to let go of a job after it was told to.
        memory: bytes of resident memory.
    """

    start: float = 180.0
    silence: float = 30.0
    grace: float = 15.0
    memory: int = field(default_factory=default_memory)


class WorkerLostError(Exception):
    """The worker died, or was killed, while it had the job (or before it could take it)."""


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
        entry: what the process runs; tests hand in one that misbehaves.
    """

    def __init__(self, settings: WorkerSettings, watch: Watch | None = None, entry: EntryPoint = main) -> None:
        self._watch = watch or Watch()
        self._settings = replace(settings, memory=self._watch.memory + UNTOUCHED, held=self._watch.memory)
        self._entry = entry
        self._current: _Current | None = None
        self._line: Line | None = None
        self._process: multiprocessing.process.BaseProcess | None = None
        self._loop_task: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._changed = asyncio.Event()
        self._stirred = asyncio.Event()
        """Somebody has something for the worker, or it is gone: it has to be looked at."""
        self._is_resting = False
        self._heard = 0.0
        self._looked = time.monotonic()
        self._failed_starts = 0
        self._served = False
        self.state: WorkerState = "starting"
        self.facts: Ready | None = None
        self.restarts = 0
        """Workers that ended, whatever they ended of."""
        self.device_memory: int | None = None
        """Bytes that the worker holds of its graphics card, where it has said."""
        self.ended: str | None = None
        """Why the last worker did."""

    @property
    def is_alive(self) -> bool:
        """Whether the worker is watched: one that is well is heard, and any other is killed and replaced."""
        task = self._loop_task
        if task is None or task.done():
            return False
        # Before there is need of a worker there is none to look at, and one that rests is left alone.
        is_left_alone = self._is_resting or not self._wanted.is_set()
        return is_left_alone or time.monotonic() - self._looked < UNWATCHED

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
            self._looked = time.monotonic()
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
        self, job: str, policy: Policy, channel: str | None, data: bytes, on_step: Callable[[Step], None]
    ) -> tuple[Done | Failed, bytes]:
        """Have the worker do one job; returns once the worker is free again.

        Raises:
            WorkerLostError: it died before it was done, or could not be started.
        """
        line = await self._ready()
        current = _Current(job, asyncio.get_running_loop().create_future(), on_step)
        self._current = current
        # It has rested, and need not have been heard since.
        self._heard = time.monotonic()
        self._stirred.set()
        try:
            try:
                # In a thread: the pipe is slower than a large photo, and the loop has sockets to serve.
                work = Work(job=job, policy=policy, size=len(data), channel=channel)
                await asyncio.to_thread(line.send, work, data)
            except OSError:
                current.ended.cancel()
                # Dead, though its end has not come to be noticed: nobody else shall be given this line.
                if line is self._line:
                    self._change("restarting")
                raise WorkerLostError from None
            return await current.ended
        finally:
            self._current = None

    def give_up(self, job: str) -> None:
        """Tell the worker to let go of the job; it is killed if it has not within the grace."""
        current, line = self._current, self._line
        if current is None or current.job != job or line is None or current.given_up is not None:
            return
        current.given_up = time.monotonic()
        threading.Thread(target=_send_quietly, args=(line, Stop(job=job)), daemon=True).start()

    async def started(self) -> Ready:
        """What the worker says of itself once it has loaded its models.

        Raises:
            WorkerLostError: this start failed.
        """
        await self._ready()
        if self.facts is None:
            raise WorkerLostError
        return self.facts

    async def _ready(self) -> Line:
        """The line to a worker that has loaded its models.

        Raises:
            WorkerLostError: this start failed.
        """
        self.want()
        failed_starts = self._failed_starts
        while self.state != "ready" or self._line is None:
            if self._failed_starts != failed_starts:
                raise WorkerLostError
            await self._changed.wait()
        return self._line

    # The process.

    async def _keep_alive(self) -> None:
        failed_in_a_row = 0
        await self._wanted.wait()
        while True:
            failed_starts = self._failed_starts
            try:
                self.ended = await self._one_life()
            except Exception as problem:
                # No memory, descriptors or threads to spawn one. Nobody restarts this task, and without it jobs wait for ever.
                self.ended = type(problem).__name__
            finally:
                await asyncio.shield(self._bury())
            log.warning("the worker ended: %s", self.ended)
            self.restarts += 1
            failed_in_a_row = failed_in_a_row + 1 if self._failed_starts != failed_starts else 0
            if failed_in_a_row:
                self._looked = time.monotonic()
                await asyncio.sleep(min(PAUSE, 2.0**failed_in_a_row / 2))

    async def _one_life(self) -> str:
        """Spawn a worker and serve it until it is gone; says why it is."""
        # First of all: a life that ends before it was born counts as a failed start, whatever the one before it was.
        self._served = False
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        heard, written = multiprocessing.Pipe(duplex=False)
        settings = replace(self._settings, errors=written)
        process = context.Process(target=self._entry, args=(theirs, settings), daemon=True)
        line = Line(ours)
        self._process, self._line = process, line
        begun = self._heard = time.monotonic()
        try:
            # Spawning forks and execs: milliseconds, but off the loop all the same.
            await asyncio.to_thread(process.start)
        finally:
            theirs.close()
            written.close()
            threading.Thread(target=_pass_on, args=(heard,), daemon=True).start()
        reader = threading.Thread(target=self._listen, args=(line, loop, gone), daemon=True)
        reader.start()
        while True:
            self._looked = time.monotonic()
            if not gone.is_set():
                await self._wait()
            if gone.is_set():
                return "it died"
            reason = self._overstepped(begun)
            if reason:
                return reason

    async def _wait(self) -> None:
        """A moment where there is something to watch. A worker that rests is left alone, and so is the machine."""
        self._stirred.clear()
        self._is_resting = self._served and self._current is None
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if self._is_resting else LOOK):
                    await self._stirred.wait()
        finally:
            self._is_resting = False

    def _overstepped(self, begun: float) -> str | None:
        now = time.monotonic()
        given_up = self._current.given_up if self._current else None
        is_busy = self._current is not None or not self._served
        if is_busy and now - self._heard > self._watch.silence:
            return "it fell silent"
        if not self._served and now - begun > self._watch.start:
            return "it took too long to start"
        if given_up is not None and now - given_up > self._watch.grace:
            return "it did not let go of a job"
        if self.rss() > self._watch.memory:
            return TOO_MUCH_MEMORY
        return None

    async def _bury(self) -> None:
        process, line = self._process, self._line
        self._process = self._line = self.device_memory = None
        self._change("restarting")
        goes_on = False
        if process is not None and process.pid is not None:
            process.kill()
            await asyncio.to_thread(process.join)
            if process.exitcode == CANNOT_CLOAK:
                self.ended = COULD_NOT_CLOAK
            goes_on = self._goes_on_without_card(process.exitcode)
            process.close()
        if not self._served and not goes_on:
            # Whoever waits for it is told. A card that was full at the start is no reason to: the next worker needs none.
            self._failed_starts += 1
            self._change("restarting")
        if line is not None:
            line.close()
        if self._current is not None and not self._current.ended.done():
            self._current.ended.set_exception(WorkerLostError())

    def _goes_on_without_card(self, exitcode: int | None) -> bool:
        """Where a graphics card was lost or had no room, the next worker does without one; its job is tried again there."""
        if exitcode != DEVICE_LOST or self._settings.device == "cpu":
            return False
        self._settings = replace(self._settings, device="cpu")
        log.warning("the graphics card is lost or full: photos take longer now. Restart the daemon when it is back.")
        return True

    def _listen(self, line: Line, loop: asyncio.AbstractEventLoop, gone: asyncio.Event) -> None:
        """In a thread: pass on what the worker says, until it is gone or talks nonsense."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            try:
                while True:
                    message, body = line.receive_report()
                    loop.call_soon_threadsafe(self._hear, line, message, body)
            except (EOFError, OSError, TypeError, msgspec.DecodeError):
                loop.call_soon_threadsafe(self._lose, gone)

    def _lose(self, gone: asyncio.Event) -> None:
        gone.set()
        self._stirred.set()

    def _hear(self, line: Line, message: FromWorker, body: bytes) -> None:
        if line is not self._line:
            return
        self._heard = time.monotonic()
        if isinstance(message, Ready):
            self.facts, self._served = message, True
            log.info("the worker is ready; its jail: %s", ", ".join(message.walls) or "none on this system")
            self._change("ready")
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

    def _change(self, state: WorkerState) -> None:
        """Everybody who waits looks again."""
        self.state = state
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _pass_on(heard: Connection) -> None:
    """In a thread: what a worker writes goes where this process' own errors go, until it ends. It has no terminal itself."""
    with heard, contextlib.suppress(OSError):
        # What it writes is a hostile photo's if the worker was taken over, and this may be a person's terminal.
        letters = codecs.getincrementaldecoder("utf-8")("replace")
        while written := os.read(heard.fileno(), 65536):
            os.write(2, plain_lines(letters.decode(written)).encode())


def _send_quietly(line: Line, message: Stop) -> None:
    with contextlib.suppress(OSError):
        line.send(message)
