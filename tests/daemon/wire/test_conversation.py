"""The daemon's side of a connection's dialogue: its limits, and whole dialogues that the extension is held to as well."""

import base64
import json
from typing import Any

import msgspec
import pytest

from daemon.wire import actions
from daemon.wire.actions import Action, Close, CountRefusal, Release, Reserve, Submit, TellState
from daemon.wire.conversation import MAX_STRIKES, MAX_UNSENT, TOO_MANY_ERRORS, UPLOAD_SILENCE, Conversation
from daemon.wire.errors import SENTENCES, CloakroomError, Code
from daemon.wire.frames import encode_frame
from daemon.wire.job_events import Event, Failure, Finished, Running, Waiting
from daemon.wire.protocol import LIMITS
from tests.daemon.vectors import VECTORS

DIALOGUES = VECTORS["dialogues"]
JOB = "0" * 31 + "1"
ACTIONS = {
    "reserve": actions.Reserve,
    "release": actions.Release,
    "submit": actions.Submit,
    "cancel": actions.CancelJob,
    "fetch": actions.FetchJob,
    "count-refusal": actions.CountRefusal,
}


def protect(job: str = JOB, size: int = 8) -> str:
    policy = {"protectors": ["scene"], "strength": "subtle", "sensitive": []}
    message = {"type": "protect", "job": job, "name": "", "mime": "", "size": size, "channel": None, "policy": policy}
    return json.dumps(message)


def sent(conversation: Conversation) -> list[dict[str, Any]]:
    """Every text that waits."""
    texts = []
    while conversation.unsent:
        texts += [json.loads(frame) for frame in conversation.take_frames() if isinstance(frame, str)]
    return texts


def as_json(action: Action) -> dict[str, Any]:
    """The action as vectors.json writes it."""
    name = next(name for name, kind in ACTIONS.items() if isinstance(action, kind))
    fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(action))
    return {"do": name, **fields}


def event_of(told: dict[str, Any]) -> Event:
    match told:
        case {"waiting": position}:
            return Waiting(position)
        case {"running": [stage, done, total]}:
            return Running(stage, done, total)
        case {"failure": code}:
            return Failure(code, SENTENCES[code])
        case {"finished": result}:
            return Finished(result["mime"], base64.b64decode(result["data"]), result["report"])
    raise AssertionError(told)


class Daemon:
    """The daemon's side, one step of a dialogue after the other."""

    def __init__(self, job: str) -> None:
        self._job = job
        self._begin()

    def _begin(self) -> None:
        self._conversation = Conversation(may_manage=False)
        self._frames: list[str | bytes] = []

    def take(self, step: dict[str, Any]) -> None:
        match step:
            case {"client": message}:
                self._conversation.receive_text(json.dumps(message))
            case {"client_chunk": chunk}:
                self._conversation.receive_chunk(encode_frame(self._job, base64.b64decode(chunk)))
            case {"queue": event}:
                self._conversation.hear(self._job, event_of(event))
            case {"action": expected}:
                action = next(self._conversation.take_actions())
                assert as_json(action) == expected
                if "refused" in step:
                    self._refuse(action, step["refused"])
            case {"daemon": message}:
                assert json.loads(self._next_frame()) == message
            case {"daemon_chunk": chunk}:
                assert self._next_frame() == encode_frame(self._job, base64.b64decode(chunk))
            case {"lost": True}:
                self._begin()

    def end(self) -> None:
        """Nothing is left that the dialogue does not have."""
        assert list(self._conversation.take_actions()) == []
        assert (self._frames, self._conversation.unsent, self._conversation.uploads) == ([], 0, ())

    def _refuse(self, action: Action, code: Code) -> None:
        refuse = self._conversation.refuse_upload if isinstance(action, Reserve) else self._conversation.refuse
        refuse(self._job, CloakroomError(code))

    def _next_frame(self) -> str | bytes:
        if not self._frames:
            self._frames = list(self._conversation.take_frames())
        return self._frames.pop(0)


@pytest.mark.parametrize("dialogue", [pytest.param(dialogue, id=dialogue["name"]) for dialogue in DIALOGUES])
def test_the_daemon_holds_every_dialogue(dialogue: dict[str, Any]) -> None:
    side = Daemon(dialogue["job"])
    for step in dialogue["steps"]:
        side.take(step)
    side.end()


def test_an_upload_that_falls_silent_gives_its_place_back() -> None:
    now = 0.0
    conversation = Conversation(may_manage=False, clock=lambda: now)
    conversation.receive_text(protect())
    assert list(conversation.take_actions()) == [Reserve(JOB, 8)]
    now = UPLOAD_SILENCE
    conversation.receive_chunk(encode_frame(JOB, b"1234"))
    now += UPLOAD_SILENCE
    conversation.give_up_silent_uploads()
    assert conversation.uploads == (JOB,)
    now += 1
    conversation.give_up_silent_uploads()
    assert list(conversation.take_actions()) == [Release(JOB)]
    assert [message["code"] for message in sent(conversation)] == ["deadline"]


def test_more_bytes_than_promised_end_the_upload() -> None:
    conversation = Conversation(may_manage=False)
    conversation.receive_text(protect())
    conversation.receive_chunk(encode_frame(JOB, b"123456789"))
    conversation.receive_chunk(encode_frame(JOB, b"1"))
    assert list(conversation.take_actions()) == [Reserve(JOB, 8), Release(JOB)]
    assert [message["code"] for message in sent(conversation)] == ["bad-request"]


def test_a_second_photo_of_the_same_name_is_refused_and_the_first_goes_on() -> None:
    conversation = Conversation(may_manage=False)
    conversation.receive_text(protect())
    conversation.receive_text(protect(size=4))
    assert list(conversation.take_actions()) == [Reserve(JOB, 8), CountRefusal("bad-request")]
    conversation.receive_chunk(encode_frame(JOB, b"12345678"))
    (submit,) = conversation.take_actions()
    assert isinstance(submit, Submit)
    assert submit.data == b"12345678"


def test_a_photo_that_is_too_large_reserves_no_place() -> None:
    conversation = Conversation(may_manage=False)
    conversation.receive_text(protect(size=LIMITS.bytes + 1))
    assert list(conversation.take_actions()) == [CountRefusal("too-large")]


def test_what_is_no_message_is_forgiven_a_few_times() -> None:
    conversation = Conversation(may_manage=False)
    for _ in range(MAX_STRIKES - 2):
        conversation.receive_text("{}")
    conversation.receive_chunk(b"")
    assert list(conversation.take_actions()) == []
    conversation.receive_text('{"type":"status"}')
    assert list(conversation.take_actions()) == [TellState()]
    conversation.receive_text("no JSON")
    assert list(conversation.take_actions()) == [Close(TOO_MANY_ERRORS)]
    assert {message["code"] for message in sent(conversation)} == {"bad-request"}


@pytest.mark.parametrize("text", ['{"type":"open-pairing"}', '{"type":"clients"}', '{"type":"revoke","client":"x"}'])
def test_only_the_command_line_manages_pairings(text: str) -> None:
    allowed, other = Conversation(may_manage=True), Conversation(may_manage=False)
    allowed.receive_text(text)
    other.receive_text(text)
    assert [type(action) for action in allowed.take_actions()] == [actions.Manage]
    assert list(other.take_actions()) == []
    assert [message["code"] for message in sent(other)] == ["bad-request"]


def test_a_client_that_does_not_read_is_not_read_from() -> None:
    conversation = Conversation(may_manage=False)
    for _ in range(MAX_UNSENT):
        assert not conversation.is_outbox_full
        conversation.hear(JOB, Failure("internal", SENTENCES["internal"]))
    assert conversation.is_outbox_full
    list(conversation.take_frames())
    assert not conversation.is_outbox_full
