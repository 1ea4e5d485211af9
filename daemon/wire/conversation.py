"""The dialogue of one authenticated connection: frames and events in, frames and actions out. It does no input or output.

As in the `websockets` library's `protocol.py`, whoever owns the socket feeds it (`receive_text`, `receive_chunk`, `hear`), does
the actions that it asks for after each frame (`take_actions`) and sends what it has to say (`take_frames`): see
`daemon.front.session`. Whole dialogues that this and the extension's connection.js are held to are in vectors.json.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from daemon.wire.actions import (
    Action,
    CancelJob,
    Close,
    CountRefusal,
    FetchJob,
    Manage,
    Release,
    Reserve,
    Submit,
    TellState,
)
from daemon.wire.errors import CloakroomError, Code
from daemon.wire.frames import Assembly, decode_frame, encode_frames
from daemon.wire.job_events import Event, Failure, Finished, Running, Waiting
from daemon.wire.protocol import (
    LIMITS,
    Cancel,
    Clients,
    Fetch,
    FromClient,
    FromDaemon,
    OpenPairing,
    PolicyRequest,
    Progress,
    Protect,
    ProtocolError,
    Queued,
    Result,
    Revoke,
    Status,
    decode_from_client,
    encode,
    error,
)

TOO_MANY_ERRORS: Final = 1002
"""Close code for a client that keeps sending what is not in the protocol."""

MAX_STRIKES: Final = 20
"""The connection is closed at the 20th such frame."""

MAX_UNSENT: Final = 1024
"""Unsent messages at which nothing more is read from a client: answers would pile up in memory."""

UPLOAD_SILENCE: Final = 60.0
"""Seconds without a chunk after which an upload is given up."""


@dataclass
class _Upload:
    policy: PolicyRequest
    channel: str | None
    assembly: Assembly
    heard: float


class Conversation:
    """The state of one dialogue.

    Args:
        may_manage: whether this client may decide which browsers are paired.
        clock: seconds that only go forward.
    """

    def __init__(self, may_manage: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._may_manage = may_manage
        self._clock = clock
        self._uploads: dict[str, _Upload] = {}
        self._actions: list[Action] = []
        self._outbox: deque[tuple[str, Event] | FromDaemon] = deque()
        self._strikes = 0

    @property
    def uploads(self) -> tuple[str, ...]:
        """The jobs whose photos have not arrived whole."""
        return tuple(self._uploads)

    @property
    def unsent(self) -> int:
        """Messages that wait to be sent."""
        return len(self._outbox)

    @property
    def is_outbox_full(self) -> bool:
        """Whether so many messages wait that nothing more should be read from the client."""
        return self.unsent >= MAX_UNSENT

    # In.

    def receive_text(self, text: str) -> None:
        """Take a text frame from the client."""
        try:
            self._receive(decode_from_client(text))
        except ProtocolError:
            self._strike()

    def receive_chunk(self, frame: bytes) -> None:
        """Take a binary frame from the client."""
        try:
            job, chunk = decode_frame(frame)
        except ProtocolError:
            self._strike()
            return
        upload = self._uploads.get(job)
        if upload is None:
            # Chunks of a job that was refused or cancelled are still on their way.
            return
        try:
            is_complete = upload.assembly.add(chunk)
        except ProtocolError:
            self._drop_upload(job)
            self.say(error(job, "bad-request"))
            return
        upload.heard = self._clock()
        if is_complete:
            del self._uploads[job]
            self._actions.append(Submit(job, upload.policy, upload.channel, upload.assembly.bytes()))

    def hear(self, job: str, event: Event) -> None:
        """Take an event of a job.

        A client that is slow to read is sent only the newest progress of a stage, and every stage.
        """
        if isinstance(event, Running | Waiting):
            places = [index for index, item in enumerate(self._outbox) if isinstance(item, tuple) and item[0] == job]
            last = self._outbox[places[-1]] if places else None
            # After another stage it is news, also where a job begins again.
            if isinstance(last, tuple) and _is_same_stage(last[1], event):
                self._outbox[places[-1]] = (job, event)
                return
        self._outbox.append((job, event))

    def say(self, message: FromDaemon) -> None:
        """Put a message after those that wait."""
        self._outbox.append(message)

    def refuse(self, job: str, problem: CloakroomError) -> None:
        """Answer that what was asked of a job cannot be done."""
        if problem.code != "cancelled":
            self._actions.append(CountRefusal(problem.code))
        self.say(error(job, problem.code, problem.sentence))

    def refuse_upload(self, job: str, problem: CloakroomError) -> None:
        """Answer that there is no place for a photo; what arrives of it is dropped."""
        del self._uploads[job]
        self.refuse(job, problem)

    def give_up_silent_uploads(self) -> None:
        """Drop uploads of which nothing was heard for `UPLOAD_SILENCE`."""
        now = self._clock()
        for job in [job for job, upload in self._uploads.items() if now - upload.heard > UPLOAD_SILENCE]:
            self._drop_upload(job)
            self.say(error(job, "deadline"))

    # Out.

    def take_actions(self) -> Iterator[Action]:
        """The actions that are asked for, in order, also those that doing one of them brings about."""
        while self._actions:
            yield self._actions.pop(0)

    def take_frames(self) -> Iterator[str | bytes]:
        """The frames of the message that waited longest; none where none waits."""
        if not self._outbox:
            return
        item = self._outbox.popleft()
        if not isinstance(item, tuple):
            yield encode(item)
            return
        job, event = item
        match event:
            case Waiting(position=position):
                yield encode(Queued(job=job, position=position))
            case Running(stage=stage, done=done, total=total):
                yield encode(Progress(job=job, stage=stage, done=done, total=total))
            case Failure(code=code, sentence=sentence):
                yield encode(error(job, code, sentence))
            case Finished(mime=mime, data=data, report=report):
                yield encode(Result(job=job, mime=mime, size=len(data), report=report))
                yield from encode_frames(job, data)

    # What the client asks for.

    def _receive(self, message: FromClient) -> None:
        match message:
            case Protect():
                self._begin(message)
            case Cancel(job=job):
                self._cancel(job)
            case Fetch(job=job):
                self._actions.append(FetchJob(job))
            case Status():
                self._actions.append(TellState())
            case OpenPairing() | Clients() | Revoke() if self._may_manage:
                self._actions.append(Manage(message))
            case _:
                raise ProtocolError

    def _begin(self, message: Protect) -> None:
        job, size = message.job, message.size
        if refusal := self._refusal(job, size):
            self.refuse(job, CloakroomError(refusal))
            return
        self._uploads[job] = _Upload(message.policy, message.channel, Assembly(size), self._clock())
        self._actions.append(Reserve(job, size))

    def _refusal(self, job: str, size: int) -> Code | None:
        if size == 0:
            return "empty"
        if size > LIMITS.bytes:
            return "too-large"
        return "bad-request" if job in self._uploads else None

    def _cancel(self, job: str) -> None:
        if job in self._uploads:
            self._drop_upload(job)
            self.refuse(job, CloakroomError("cancelled"))
        else:
            self._actions.append(CancelJob(job))

    def _drop_upload(self, job: str) -> None:
        del self._uploads[job]
        self._actions.append(Release(job))

    def _strike(self) -> None:
        self._strikes += 1
        self.say(error(None, "bad-request"))
        if self._strikes >= MAX_STRIKES:
            self._actions.append(Close(TOO_MANY_ERRORS))


def _is_same_stage(waiting: Event, event: Running | Waiting) -> bool:
    """Whether what waits to be sent says no more than what has come since."""
    if isinstance(waiting, Running) and isinstance(event, Running):
        return waiting.stage == event.stage
    return isinstance(waiting, Waiting) and isinstance(event, Waiting)
