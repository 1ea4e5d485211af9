"""One worker process, from its start to its end."""

import asyncio
import codecs
import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection

import msgspec

from daemon.wire.pipe import FromWorker, Line, Stop
from daemon.wire.plain_text import plain_lines
from daemon.wire.worker_settings import WorkerSettings

EntryPoint = Callable[[Connection, WorkerSettings], None]
"""The function that a worker process runs."""


class WorkerProcess:
    """A worker process and the pipe to it.

    Args:
        entry: the function that it runs.
        settings: handed to it.
        on_message: is called in the loop that starts it, with each message and its photo.
        on_gone: is called in that loop once it is gone or talks nonsense.
    """

    def __init__(
        self,
        entry: EntryPoint,
        settings: WorkerSettings,
        on_message: Callable[[FromWorker, bytes], None],
        on_gone: Callable[[], None],
    ) -> None:
        self._on_message, self._on_gone = on_message, on_gone
        ours, self._theirs = multiprocessing.Pipe()
        self._errors, self._errors_in = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("spawn")
        given = replace(settings, errors=self._errors_in)
        self._process = context.Process(target=entry, args=(self._theirs, given), daemon=True)
        self.line = Line(ours)

    @property
    def pid(self) -> int | None:
        return self._process.pid

    async def start(self) -> None:
        """Spawn it.

        Raises:
            OSError: there is no memory or no descriptor for it.
            RuntimeError: there is no thread for it.
        """
        loop = asyncio.get_running_loop()
        try:
            # Spawning forks and execs: milliseconds, but off the loop all the same.
            await asyncio.to_thread(self._process.start)
        finally:
            self._theirs.close()
            self._errors_in.close()
            try:
                threading.Thread(target=pass_on_errors, args=(self._errors,), daemon=True).start()
            except RuntimeError:
                # Nobody else would close it.
                self._errors.close()
                raise
        threading.Thread(target=self._listen, args=(loop,), daemon=True).start()

    async def end(self) -> int | None:
        """Kill it, and return its exit status; None where it was never born."""
        if self._process.pid is None:
            return None
        self._process.kill()
        await asyncio.to_thread(self._process.join)
        status = self._process.exitcode
        self._process.close()
        return status

    def tell_to_stop(self, job: str) -> None:
        """Tell it to give a job up, without waiting: it may not be reading."""
        threading.Thread(target=_send_quietly, args=(self.line, Stop(job=job)), daemon=True).start()

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread: pass on what the worker says, until it is gone or talks nonsense."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            try:
                while True:
                    message, body = self.line.receive_report()
                    loop.call_soon_threadsafe(self._on_message, message, body)
            except (EOFError, OSError, TypeError, msgspec.DecodeError):
                loop.call_soon_threadsafe(self._on_gone)


def pass_on_errors(errors: Connection) -> None:
    """In a thread: copy a worker's error output to this process's stderr, until it ends. It has no terminal itself."""
    with errors, contextlib.suppress(OSError):
        # What it writes is a hostile photo's if the worker was taken over, and this may be a person's terminal.
        letters = codecs.getincrementaldecoder("utf-8")("replace")
        while written := os.read(errors.fileno(), 65536):
            os.write(2, plain_lines(letters.decode(written)).encode())


def _send_quietly(line: Line, message: Stop) -> None:
    with contextlib.suppress(OSError):
        line.send(message)
