"""When a worker is given up."""

from dataclasses import dataclass, field

import psutil


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
