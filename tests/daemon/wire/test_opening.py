"""The opening of a websocket and its first frames, against the RFC's own example and an implementation that is not ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from daemon.wire.handshake import Refused
from daemon.wire.opening import MAX_SAID, close_frame, is_opening, opened, text_frame, texts
from daemon.wire.request import parsed
from tests.daemon.raw_clients import client_frame, upgrade


def test_the_rfcs_own_key() -> None:
    request = parsed(upgrade(1, Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ=="))
    assert is_opening(request, "cloakroom.v1")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in opened(request, "cloakroom.v1")


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "POST"},
        {"Upgrade": "h2c"},
        {"Connection": "keep-alive"},
        {"Sec_WebSocket_Version": "8"},
        {"Sec_WebSocket_Key": "c2hvcnQ="},
        {"Sec_WebSocket_Key": "not base64 at all!!!!!!!"},
        {"Sec_WebSocket_Key": "é" * 24},
        {"Sec_WebSocket_Protocol": "cloakroom.v2"},
    ],
)
def test_what_opens_none(changed: dict[str, str]) -> None:
    request = upgrade(1, **changed).decode().encode("latin-1")
    assert not is_opening(parsed(request), "cloakroom.v1")


def test_as_firefox_asks_for_it() -> None:
    request = parsed(upgrade(1, Connection="keep-alive, Upgrade", Sec_WebSocket_Protocol="other, cloakroom.v1"))
    assert is_opening(request, "cloakroom.v1")


@given(st.lists(st.text(max_size=300), max_size=4), st.integers(1, 50))
def test_texts_come_out_as_they_went_in(said: list[str], step: int) -> None:
    """Masked by another implementation, and in pieces of any size."""
    sent = b"".join(Frame(Opcode.TEXT, text.encode()).serialize(mask=True) for text in said)
    received, heard = bytearray(), list[str]()
    for begin in range(0, len(sent), step):
        received += sent[begin : begin + step]
        heard += texts(received)
    assert heard == said
    assert received == b""


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\x05hello",
        client_frame(1, b"x" * (MAX_SAID + 1)),
        client_frame(1, b"x" * 70_000),
        client_frame(2, b"x"),
        client_frame(8, b"\x03\xe8"),
        client_frame(9, b"x"),
        client_frame(0, b"x"),
        client_frame(1, b"\xff"),
        bytes([0x01]) + client_frame(1, b"x")[1:],
        bytes([0xC1]) + client_frame(1, b"x")[1:],
    ],
    ids=["unmasked", "long", "very long", "bytes", "close", "ping", "continued", "no UTF-8", "a part", "deflated"],
)
def test_what_is_no_short_text_is_refused(frame: bytes) -> None:
    with pytest.raises(Refused):
        list(texts(bytearray(frame)))


def test_what_is_too_long_is_refused_before_it_comes() -> None:
    with pytest.raises(Refused):
        list(texts(bytearray(client_frame(1, bytes(100_000))[:14])))


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_what_is_said_can_be_read_by_others(size: int) -> None:
    assert text_frame("x" * size) == Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)


def test_the_end_has_no_reason() -> None:
    assert close_frame(4403) == Frame(Opcode.CLOSE, (4403).to_bytes(2, "big")).serialize(mask=False)
