"""The settings that a worker process is started with."""

from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path


@dataclass(frozen=True)
class WorkerSettings:
    """The settings of one worker; they are pickled into the new process."""

    device: str = "auto"
    model_folder: Path | None = None
    threads: int | None = None
    seconds: float | None = None
    """About the most that a photo takes; None for as long as its strength takes."""
    seed: int | None = None
    """Makes what is drawn at random the same for the same photo. For measuring: who knows it can foretell the target."""
    memory: int | None = None
    """Bytes that it may hold, at the very most; the supervisor gives it up before."""
    held: int | None = None
    """Bytes of resident memory at which the supervisor gives it up."""
    errors: Connection | None = None
    """The pipe for its error output; set by the supervisor for the process that it spawns."""
