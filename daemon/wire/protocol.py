"""Messages of cloakroom.v1: bytes in, typed messages out, no input or output of its own.

The same rules stand in protocol.json as a JSON Schema; the tests hold both against vectors.json.
Patterns end in ``\\Z`` because Python's ``$`` also admits a final newline.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from daemon.wire.errors import SENTENCES, Code
from protectors.names import Strength

VERSION: Final = "cloakroom.v1"
REFUSED: Final = 4403
"""Close code of every refusal after the upgrade; never with a reason."""

LOCAL_ORIGIN: Final = "cloakroom://local"
"""The `Origin` of this user's command line, which no page can have."""

MAX_TEXT: Final = 64 * 1024
"""Characters of a text frame from a client."""

Hex64 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
JobId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
ClientId = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,64}\Z")]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}\Z")]
Label = Annotated[str, Meta(min_length=1, max_length=64)]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Mime = Literal["image/jpeg", "image/png", "image/webp"]
ModelSet = Literal["embedded", "pretrained", "full"]
WorkerState = Literal["starting", "ready", "restarting"]


class Record(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A part of a message."""


class PolicyRequest(Record):
    """A client's choice of what to hide from whom. Every field is required; the worker knows which names exist."""

    protectors: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=8)]
    strength: Strength
    sensitive: Annotated[tuple[Label, ...], Meta(max_length=128)]


class Limits(Record):
    """bytes of a photo, pixels of a photo, bytes of a chunk, photos waiting."""

    bytes: Positive
    pixels: Positive
    chunk: Positive
    queue: Positive


LIMITS: Final = Limits(bytes=64 * 1024 * 1024, pixels=120_000_000, chunk=4 * 1024 * 1024, queue=16)


class ClientEntry(Record):
    """A paired browser, without its key."""

    client: ClientId
    label: Annotated[str, Meta(max_length=64)]
    origin_kind: Literal["chromium", "firefox"]
    created: float


class Message(Record, tag_field="type"):
    """The content of a text frame."""


# From the client.


class Hello(Message, tag="hello"):
    version: Literal["cloakroom.v1"]
    client: ClientId | None
    nonce: Hex64


class Proof(Message, tag="proof"):
    client: ClientId
    proof: Hex64


class Pair(Message, tag="pair"):
    label: Label
    proof: Hex64


class Protect(Message, tag="protect"):
    job: JobId
    name: Annotated[str, Meta(max_length=1024)]
    mime: Annotated[str, Meta(max_length=255)]
    size: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    channel: Label | None
    policy: PolicyRequest


class Cancel(Message, tag="cancel"):
    job: JobId


class Fetch(Message, tag="fetch"):
    job: JobId


class Status(Message, tag="status"):
    pass


class OpenPairing(Message, tag="open-pairing"):
    pass


class Clients(Message, tag="clients"):
    pass


class Revoke(Message, tag="revoke"):
    client: ClientId


# From the daemon.


class Challenge(Message, tag="challenge"):
    nonce: Hex64
    pairing: Literal["open", "closed"]


class Welcome(Message, tag="welcome"):
    proof: Hex64
    limits: Limits
    protectors: tuple[Name, ...]
    device: Label
    models: ModelSet
    version: Annotated[str, Meta(min_length=1, max_length=32)]
    classes: tuple[Label, ...]


class Paired(Message, tag="paired"):
    client: ClientId
    key: Hex64
    proof: Hex64


class Queued(Message, tag="queued"):
    job: JobId
    position: Count


class Progress(Message, tag="progress"):
    job: JobId
    stage: Name
    done: Count
    total: Count


class Result(Message, tag="result"):
    job: JobId
    mime: Mime
    size: Positive
    report: dict[str, Any]


class Error(Message, tag="error"):
    job: JobId | None
    code: Code
    message: Annotated[str, Meta(min_length=1, max_length=500)]


class State(Message, tag="state"):
    queued: Count
    running: Count
    worker: WorkerState
    device: Label
    models: ModelSet
    protectors: tuple[Name, ...]
    clients: Count
    front_rss: Count
    worker_rss: Count
    uptime: Annotated[float, Meta(ge=0)]


class PairingCode(Message, tag="pairing-code"):
    code: Annotated[str, Meta(pattern=r"^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}\Z")]
    seconds: Positive


class ClientList(Message, tag="client-list"):
    clients: tuple[ClientEntry, ...]


class Revoked(Message, tag="revoked"):
    client: ClientId


FromClient = Hello | Proof | Pair | Protect | Cancel | Fetch | Status | OpenPairing | Clients | Revoke
FromDaemon = Challenge | Welcome | Paired | Queued | Progress | Result | Error | State | PairingCode | ClientList | Revoked


class ProtocolError(Exception):
    """The data is no message or frame of cloakroom.v1. The exception carries none of it."""


_client_decoder = msgspec.json.Decoder(FromClient)
_daemon_decoder = msgspec.json.Decoder(FromDaemon)
_encoder = msgspec.json.Encoder()


def decode_from_client(text: str | bytes) -> FromClient:
    """Read a client's text frame.

    Raises:
        ProtocolError: it is too long, no JSON, or not a message that a client may send.
    """
    if len(text) > MAX_TEXT:
        raise ProtocolError
    try:
        message: FromClient = _client_decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise ProtocolError from None
    return message


def decode_from_daemon(text: str | bytes) -> FromDaemon:
    """Read a daemon's text frame.

    Raises:
        ProtocolError: it is no JSON, or not a message that a daemon may send.
    """
    try:
        message: FromDaemon = _daemon_decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise ProtocolError from None
    if isinstance(message, Result) and not isinstance(message.report.get("protected"), bool):
        raise ProtocolError
    return message


def encode(message: FromClient | FromDaemon) -> str:
    """The text frame of a message."""
    return _encoder.encode(message).decode()


def error(job: str | None, code: Code, sentence: str | None = None) -> Error:
    """The error message of a code, with its usual sentence unless there is a better one."""
    return Error(job=job, code=code, message=sentence or SENTENCES[code])
