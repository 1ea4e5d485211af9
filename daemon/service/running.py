"""Finds the daemon that runs with a state folder, and ends it. The installer runs ``python -m daemon.service.running``."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from daemon.service import manager as service
from daemon.state.folder import is_locked, read_local, state_folder

END_SECONDS: Final = 45.0
"""A photo that is being cloaked is finished or handed back first."""


@dataclass(frozen=True)
class Running:
    """A daemon that runs now.

    Attributes:
        pid: of its front process.
        command: its command line.
        by_service: whether the session's service manager started it; otherwise a person did, by hand.
    """

    pid: int
    command: tuple[str, ...]
    by_service: bool


def running(state: Path) -> Running | None:
    """The daemon that holds this state folder, None where none does or it left no word of itself."""
    word = read_local(state)
    if word is None or not is_locked(state):
        return None
    try:
        process = psutil.Process(word.pid)
        return Running(word.pid, tuple(process.cmdline()), service.main_pid() == word.pid)
    except psutil.Error:
        return None


def end(found: Running) -> bool:
    """Ask it to end, and wait; whether it did."""
    try:
        process = psutil.Process(found.pid)
        process.terminate()
        process.wait(END_SECONDS)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
    return True


def main() -> int:
    """Print the daemon as JSON, ``null`` where none runs; with the argument ``end``, end it first."""
    found = running(state_folder())
    if found and sys.argv[1:] == ["end"] and not end(found):
        return 1
    print(json.dumps(asdict(found) if found else None))
    return 0


if __name__ == "__main__":
    sys.exit(main())
