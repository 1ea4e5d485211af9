"""The actions that a conversation asks its owner to do."""

from dataclasses import dataclass

from daemon.wire.errors import Code
from daemon.wire.protocol import Clients, OpenPairing, PolicyRequest, Revoke


@dataclass(frozen=True)
class Reserve:
    """Keep a place for a photo of so many bytes. Where there is none, answer with `refuse_upload`."""

    job: str
    size: int


@dataclass(frozen=True)
class Release:
    """Give the place back: the upload did not come to an end."""

    job: str


@dataclass(frozen=True)
class Submit:
    """Queue the photo, which has arrived whole."""

    job: str
    policy: PolicyRequest
    channel: str | None
    data: bytes


@dataclass(frozen=True)
class CancelJob:
    """End a job. Where there is none, answer with `refuse`."""

    job: str


@dataclass(frozen=True)
class FetchJob:
    """Tell of a job from its present state on. Where there is none, answer with `refuse`."""

    job: str


@dataclass(frozen=True)
class TellState:
    """Answer with the daemon's state."""


@dataclass(frozen=True)
class Manage:
    """Open a pairing, list the paired browsers or revoke one, and answer."""

    message: OpenPairing | Clients | Revoke


@dataclass(frozen=True)
class CountRefusal:
    """Count a job that was refused for a reason of the client's or the queue's."""

    code: Code


@dataclass(frozen=True)
class Close:
    """Close the connection with this code."""

    code: int


Action = Reserve | Release | Submit | CancelJob | FetchJob | TellState | Manage | CountRefusal | Close
