"""The worker's inbox: a thread that reads the pipe, so that a cancel is seen while torch computes."""

import os
import queue

from daemon.wire.pipe import Line, Stop, Work


class Inbox:
    """The photos that wait, and the job that was given up."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._waiting: queue.SimpleQueue[tuple[Work, bytes]] = queue.SimpleQueue()
        self._stopped: str | None = None

    def fill(self) -> None:
        """Read until the front process goes away; then end this process at once, whatever it computes."""
        try:
            while True:
                message, body = self._line.receive_work()
                if isinstance(message, Stop):
                    self._stopped = message.job
                else:
                    self._waiting.put((message, body))
        except (EOFError, OSError):
            os._exit(0)

    def take(self) -> tuple[Work, bytes]:
        """Wait for the next photo."""
        return self._waiting.get()

    def is_stopped(self, job: str) -> bool:
        """Return whether the front gave the job up."""
        return self._stopped == job
