"""The protocol against its schema and the vectors that the JavaScript tests read too."""

import json
import re
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from jsonschema import Draft202012Validator

from daemon.wire.errors import CODES, SENTENCES
from daemon.wire.frames import ID_BYTES, MAX_CHUNK, MAX_FRAME, Assembly, decode_frame, encode_frame, encode_frames
from daemon.wire.protocol import (
    LIMITS,
    MAX_TEXT,
    Protect,
    ProtocolError,
    decode_from_client,
    decode_from_daemon,
    encode,
    error,
)
from tests.daemon.vectors import SCHEMA, VECTORS, WIRE
from tests.protectors.judging.test_judgement import WHOLE

FACTS = {"width", "height", "mime", "bytes_in", "bytes_out", "seconds", "device", "models", "notes"}
"""Facts of the job, which the worker adds to the judgement."""

DECODE = {"client": decode_from_client, "daemon": decode_from_daemon}


def named(group: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS[group]]


@cache
def validator(side: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/from_{side}", "$defs": SCHEMA["$defs"]})


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("vector", named("messages"))
def test_schema_and_vectors_agree(vector: dict[str, Any]) -> None:
    assert validator(vector["from"]).is_valid(vector["message"]) is vector["valid"]


@pytest.mark.parametrize("vector", named("messages"))
def test_messages_and_vectors_agree(vector: dict[str, Any]) -> None:
    text = json.dumps(vector["message"])
    if not vector["valid"]:
        with pytest.raises(ProtocolError):
            DECODE[vector["from"]](text)
        return
    message = DECODE[vector["from"]](text)
    assert json.loads(encode(message)) == vector["message"]


def test_every_message_has_a_valid_vector() -> None:
    """So that a message added to one side only is missed by no test."""
    seen = {vector["message"]["type"] for vector in VECTORS["messages"] if vector["valid"]}
    parts = [part.get("properties", {}).get("type", {}) for part in SCHEMA["$defs"].values()]
    defined = {part["const"] for part in parts if "const" in part}
    assert seen == defined


@pytest.mark.parametrize("vector", named("texts"))
@pytest.mark.parametrize("side", ["client", "daemon"])
def test_texts_that_are_no_message(vector: dict[str, str], side: str) -> None:
    with pytest.raises(ProtocolError):
        DECODE[side](vector["text"])


def test_a_final_newline_is_not_part_of_an_id() -> None:
    with pytest.raises(ProtocolError):
        decode_from_client(json.dumps({"type": "cancel", "job": "0" * 32 + "\n"}))


def test_long_texts_are_not_even_parsed() -> None:
    text = encode(decode_from_client('{"type":"status"}'))
    assert decode_from_client(text + " " * (MAX_TEXT - len(text)))
    with pytest.raises(ProtocolError):
        decode_from_client(text + " " * (MAX_TEXT - len(text) + 1))


@given(some.text())
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for decode in DECODE.values():
        try:
            decode(text)
        except ProtocolError:
            continue


FIELDS = some.sampled_from(["type", "job", "size", "policy", "nonce", "client", "proof"])
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(FIELDS, inner),
)


VALID = [(vector["from"], vector["message"]) for vector in VECTORS["messages"] if vector["valid"]]


@settings(max_examples=60)
@given(some.sampled_from(VALID), FIELDS, JSON)
def test_schema_and_messages_agree_on_every_change(valid: tuple[str, dict[str, Any]], field: str, value: Any) -> None:
    side, message = valid
    changed = {**message, field: value}
    try:
        DECODE[side](json.dumps(changed))
        read = True
    except ProtocolError:
        read = False
    assert validator(side).is_valid(changed) is read


def test_every_code_has_a_sentence_that_fits() -> None:
    assert set(SENTENCES) == set(CODES) == set(SCHEMA["$defs"]["code"]["enum"])
    for code in CODES:
        assert validator("daemon").is_valid(json.loads(encode(error("0" * 32, code))))


def test_reports_have_the_judgements_own_keys() -> None:
    """One definition: the schema describes it, and the extension reads nothing that is not in it."""
    report = next(part for name, part in SCHEMA["$defs"].items() if name == "result")["properties"]["report"]["properties"]
    told = WHOLE.as_json()
    assert set(told) == set(report) - FACTS
    for verdict in told["verdicts"]:
        assert set(verdict) <= set(SCHEMA["$defs"]["verdict"]["properties"])
    message = {"type": "result", "job": "0" * 32, "mime": "image/png", "size": 1, "report": told}
    assert validator("daemon").is_valid(message)
    connection = WIRE.parents[1] / "extension" / "background" / "connection.js"
    (typed,) = re.findall(r"@typedef \{(\{ protected.*?)\} Report$", connection.read_text(), re.MULTILINE | re.DOTALL)
    known = set(report) | set(SCHEMA["$defs"]["verdict"]["properties"]) | {"channel", "probability", "low", "high"}
    assert set(re.findall(r"(\w+)\??: ", typed)) - {"stage", "field", "protector"} <= known


# Frames.


@pytest.mark.parametrize("vector", named("frames"))
def test_frame_vectors(vector: dict[str, Any]) -> None:
    frame = bytes.fromhex(vector["hex"])
    if not vector["valid"]:
        with pytest.raises(ProtocolError):
            decode_frame(frame)
        return
    job, chunk = decode_frame(frame)
    assert (job, chunk.hex()) == (vector["job"], vector["chunk"])
    assert encode_frame(job, chunk) == frame


@pytest.mark.parametrize("vector", named("assemblies"))
def test_assembly_vectors(vector: dict[str, Any]) -> None:
    assembly = Assembly(vector["size"])
    chunks = [bytes.fromhex(chunk) for chunk in vector["chunks"]]
    for chunk in chunks[:-1]:
        assembly.add(chunk)
    if not vector["valid"]:
        with pytest.raises(ProtocolError):
            assembly.add(chunks[-1])
        return
    assert assembly.add(chunks[-1]) is vector["complete"] is assembly.complete
    if vector["complete"]:
        assert assembly.bytes() == b"".join(chunks)
    else:
        with pytest.raises(ProtocolError):
            assembly.bytes()


def test_the_largest_frame_and_one_byte_more() -> None:
    frame = encode_frame("0" * 32, bytes(MAX_CHUNK))
    assert len(frame) == MAX_FRAME == LIMITS.chunk + ID_BYTES
    assert len(decode_frame(frame)[1]) == MAX_CHUNK
    with pytest.raises(ProtocolError):
        decode_frame(frame + b"x")
    with pytest.raises(ProtocolError):
        encode_frame("0" * 32, bytes(MAX_CHUNK + 1))


@given(job=some.binary(min_size=16, max_size=16), data=some.binary(min_size=1, max_size=200), chunk=some.integers(1, 70))
def test_any_photo_arrives_whole_in_chunks_of_any_size(job: bytes, data: bytes, chunk: int) -> None:
    assembly = Assembly(len(data))
    frames = list(encode_frames(job.hex(), data, chunk))
    for frame in frames:
        assert not assembly.complete
        name, part = decode_frame(frame)
        assert name == job.hex()
        assembly.add(part)
    assert assembly.bytes() == data


@given(some.binary(max_size=64))
def test_any_bytes_are_a_frame_or_refused(frame: bytes) -> None:
    if len(frame) <= ID_BYTES:
        with pytest.raises(ProtocolError):
            decode_frame(frame)
    else:
        job, chunk = decode_frame(frame)
        assert bytes.fromhex(job) + chunk == frame


@given(size=some.integers(1, 50), chunks=some.lists(some.binary(max_size=20)))
def test_an_assembly_never_holds_more_than_was_promised(size: int, chunks: list[bytes]) -> None:
    assembly = Assembly(size)
    for chunk in chunks:
        before = assembly.received
        try:
            assembly.add(chunk)
        except ProtocolError:
            assert assembly.received == before
        assert assembly.received <= size


@pytest.mark.parametrize("job", ["", "00", "g" * 32, "0" * 31, "0" * 34])
def test_a_frame_needs_a_job(job: str) -> None:
    with pytest.raises(ProtocolError):
        encode_frame(job, b"x")


def test_a_name_never_reaches_the_message_of_an_error() -> None:
    with pytest.raises(ProtocolError) as caught:
        decode_from_client('{"type":"protect","name":"secret-holiday.jpg"}')
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert Protect.__struct_config__.tag == "protect"
