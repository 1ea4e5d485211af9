"""Messages between the front process and the worker: JSON, followed by the image's bytes where there are any.

No pickles: the worker decodes hostile files, and what it says must not be able to run code in the front process.
"""

import threading
from multiprocessing.connection import Connection
from typing import Any, Final

import msgspec

from daemon.wire.errors import Code
from daemon.wire.protocol import LIMITS, Label, Mime, ModelSet, Name, PolicyRequest

MAX_HEADER: Final = 4 * 1024 * 1024
# A lossless result can be larger than the lossy file that came in, never larger than its raw pixels and some.
MAX_BODY: Final = 8 * LIMITS.pixels


class Work(msgspec.Struct, tag_field="say", tag="work"):
    """To the worker; `size` bytes of the photo follow. `channel` names what the site will do to it, where that is known."""

    job: str
    policy: PolicyRequest
    size: int
    channel: str | None


class Stop(msgspec.Struct, tag_field="say", tag="stop"):
    """To the worker: give this job up."""

    job: str


class Ready(msgspec.Struct, tag_field="say", tag="ready"):
    """From the worker: the adversaries are loaded."""

    device: Label
    models: ModelSet
    protectors: tuple[Name, ...]
    classes: tuple[Label, ...]
    walls: tuple[str, ...] = ()
    """The walls of its jail that this system has."""


class Beat(msgspec.Struct, tag_field="say", tag="beat"):
    """From the worker, every second while it has something to do; with the bytes that it holds of its graphics card."""

    device_memory: int | None = None


class Step(msgspec.Struct, tag_field="say", tag="step"):
    """From the worker: how far the job is."""

    job: str
    stage: str
    done: int
    total: int


class Done(msgspec.Struct, tag_field="say", tag="done"):
    """From the worker; `size` bytes of the cloaked photo follow."""

    job: str
    mime: Mime
    size: int
    report: dict[str, Any]


class Failed(msgspec.Struct, tag_field="say", tag="failed"):
    """From the worker: this job ended without a photo."""

    job: str
    code: Code
    sentence: str


ToWorker = Work | Stop
FromWorker = Ready | Beat | Step | Done | Failed


class Line:
    """One end of the pipe; sending is safe from any thread.

    Raises everywhere: EOFError or OSError once the other end is gone, msgspec.DecodeError if it talks nonsense.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()

    def send(self, message: ToWorker | FromWorker, body: bytes = b"") -> None:
        with self._sending:
            self._connection.send_bytes(msgspec.json.encode(message))
            if body:
                self._connection.send_bytes(body)

    def receive_work(self) -> tuple[ToWorker, bytes]:
        """The worker's end: the next message, with the photo if one belongs to it."""
        message: ToWorker = msgspec.json.decode(self._connection.recv_bytes(MAX_HEADER), type=ToWorker)
        return message, self._body(message.size) if isinstance(message, Work) else b""

    def receive_report(self) -> tuple[FromWorker, bytes]:
        """The front's end: the next message, with the cloaked photo if one belongs to it."""
        message: FromWorker = msgspec.json.decode(self._connection.recv_bytes(MAX_HEADER), type=FromWorker)
        return message, self._body(message.size) if isinstance(message, Done) else b""

    def _body(self, size: int) -> bytes:
        body = self._connection.recv_bytes(MAX_BODY)
        if len(body) != size:
            raise msgspec.DecodeError("the body is not as long as was said")
        return body

    def close(self) -> None:
        self._connection.close()
