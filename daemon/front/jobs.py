"""One photo in the queue, and the bounds of the queue."""

from dataclasses import dataclass

from daemon.wire.job_events import Event, Finished, Listener
from daemon.wire.protocol import LIMITS, PolicyRequest


@dataclass(frozen=True)
class QueueSettings:
    """The bounds of the queue.

    Attributes:
        waiting: photos that may wait (uploads under way count), beside the one that runs. A client that has none there may
            bring one more: otherwise whoever asks most often would be all that gets in.
        waiting_bytes: memory for photos that wait.
        deadline: seconds that one photo may run.
        keep: seconds that a finished photo is kept.
        kept_bytes: memory for finished photos; the oldest go first.
        pulse: seconds between two signs of life of a job.
    """

    waiting: int = LIMITS.queue
    waiting_bytes: int = 1024 * 1024 * 1024
    deadline: float = 600.0
    keep: float = 120.0
    kept_bytes: int = 512 * 1024 * 1024
    pulse: float = 4.0


JobKey = tuple[str, str]
"""Client and job: what one client calls a job, another cannot touch."""


@dataclass
class Job:
    """A photo in the queue, from its arrival until its result is forgotten."""

    key: JobKey
    policy: PolicyRequest
    channel: str | None
    data: bytes
    listener: Listener | None
    last: Event
    arrived: float = 0.0
    ended_at: float | None = None

    @property
    def ended(self) -> bool:
        return self.ended_at is not None

    @property
    def kept_bytes(self) -> int:
        return len(self.last.data) if isinstance(self.last, Finished) else 0

    @property
    def worker_name(self) -> str:
        """The job's name at the worker: two clients may have chosen the same id."""
        return f"{self.key[0]}/{self.key[1]}"

    def tell(self, event: Event) -> None:
        self.last = event
        if self.listener is not None:
            self.listener(self.key[1], event)
