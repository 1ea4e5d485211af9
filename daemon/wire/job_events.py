"""The events of a job that its connection is told, from the queue to the end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from daemon.wire.errors import Code
from daemon.wire.protocol import Mime


@dataclass(frozen=True)
class Waiting:
    """The job waits; so many photos are before it."""

    position: int


@dataclass(frozen=True)
class Running:
    """The job is at step `done` of `total` of a stage."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True)
class Finished:
    """The job ended with a cloaked photo."""

    mime: Mime
    data: bytes
    report: dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """The job ended without one."""

    code: Code
    sentence: str


Event = Waiting | Running | Finished | Failure
Listener = Callable[[str, Event], None]
"""Is told a job and what happened to it."""
