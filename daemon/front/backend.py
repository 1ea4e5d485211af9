"""The interface of what cloaks the queue's photos: a worker process on this machine, or a cluster."""

from collections.abc import Callable
from typing import Protocol

from daemon.wire.pipe import Done, Failed, Ready, Step
from daemon.wire.protocol import PolicyRequest, WorkerState


class Backend(Protocol):
    """Does one job at a time. `Supervisor` is one; `daemon.cluster.serve_backend` has the other."""

    facts: Ready | None
    """The facts that the last worker sent when it was ready."""

    restarts: int
    device_memory: int | None

    @property
    def state(self) -> WorkerState: ...

    @property
    def is_alive(self) -> bool:
        """Whether it is looked after: what is lost comes back by itself."""
        ...

    @property
    def pid(self) -> int | None:
        """The worker's process, where it is one of this machine's."""
        ...

    def rss(self) -> int:
        """Bytes that the worker holds here."""
        ...

    def start(self, wanted: bool = True) -> None:
        """Have a worker now, or with the first job or `want`."""
        ...

    def want(self) -> None:
        """There is a job to come."""
        ...

    async def stop(self) -> None: ...

    async def started(self) -> Ready:
        """Once there is a worker that has loaded its models.

        Raises:
            WorkerLostError: this start failed.
        """
        ...

    async def run(
        self, job: str, policy: PolicyRequest, channel: str | None, data: bytes, on_step: Callable[[Step], None]
    ) -> tuple[Done | Failed, bytes]:
        """Do one job; returns once the worker is free again.

        Raises:
            WorkerLostError: it was lost with the job.
        """
        ...

    def give_up(self, job: str) -> None:
        """Let go of a job; `run` then returns soon."""
        ...
