"""A quick daemon: the installed front, with a worker that stamps photos instead of cloaking them, as late as it is told."""

import importlib.util
from pathlib import Path
from typing import Final

import numpy as np

from tests.end_to_end.daemon_process import DaemonProcess
from tests.end_to_end.photos import decode

PROGRAM: Final = Path(__file__).with_name("stamping") / "program.py"
"""Run by its path: it finds the installed daemon, and nothing of the repository."""

TOLERANCE: Final = 40
"""Largest change of the stamp's colour by compressing it anew."""

_specification = importlib.util.spec_from_file_location("stamping_program", PROGRAM)
assert _specification
assert _specification.loader
_program = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(_program)


class StampingDaemon(DaemonProcess):
    """Started as the real one is."""

    arguments: tuple[str, ...] = ()

    def command(self) -> list[str]:
        return [str(self.there().python), str(PROGRAM), *self.arguments]

    def set_delay(self, seconds: float) -> None:
        """How long every photo takes from now on."""
        self.state.mkdir(parents=True, exist_ok=True)
        written = self.state / f"{_program.DELAY}.new"
        written.write_text(str(seconds))
        # At once: the worker may be reading it.
        written.replace(self.state / _program.DELAY)

    @property
    def works(self) -> int:
        """How many photos came."""
        counted = self.state / _program.WORKS
        return counted.stat().st_size if counted.exists() else 0


class ReturningDaemon(StampingDaemon):
    """Gives every photo back as it came: what is left of an upload's time is the way there and back."""

    arguments = ("--as-is",)


def is_stamped(data: bytes) -> bool:
    """Whether a photo went through here."""
    side = _program.SIDE
    corner = decode(data)[2 : side - 2, 2 : side - 2].astype(int)
    return corner.size > 0 and int(np.abs(corner - np.array(_program.COLOUR)).max()) <= TOLERANCE
