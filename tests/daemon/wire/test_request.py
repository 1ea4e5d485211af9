"""The head of a request, read strictly: what is taken, and that everything else is one and the same malformed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.wire.request import MAX_FIELDS, MAX_HEAD, REFUSAL, MalformedError, answer, head_end, parsed

HEAD = b"GET /v1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nX-Word: a\xe9b \r\nx-word:\tsecond\r\n\r\n"


def test_what_a_request_says() -> None:
    request = parsed(HEAD)
    assert (request.method, request.target) == ("GET", "/v1")
    assert request.only("host") == "127.0.0.1:1"
    assert request.every("x-word") == ["aéb", "second"]
    assert request.only("x-word") is None, "it came twice"
    assert request.only("x-other") is None
    assert parsed(b"GET / HTTP/1.1\r\nUpgrade: A, b\r\nupgrade: C\r\n\r\n").words("upgrade") == {"a", "b", "c"}


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1 \r\n\r\n",
        b"GET /\x1b HTTP/1.1\r\n\r\n",
        b"GET /\xe9 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost\r\n\r\n",
        b"GET / HTTP/1.1\r\n: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\ry\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\ny\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \x7f\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 00\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * (MAX_FIELDS + 1) + b"\r\n",
    ],
)
def test_what_is_no_request(head: bytes) -> None:
    with pytest.raises(MalformedError):
        parsed(head)


def test_a_body_that_is_empty_is_none() -> None:
    assert parsed(b"POST /session HTTP/1.1\r\nContent-Length: 0\r\n\r\n").method == "POST"


def test_where_a_head_ends() -> None:
    assert head_end(HEAD + b"more\r\n\r\n") == len(HEAD)
    assert head_end(HEAD[:-1]) is None
    with pytest.raises(MalformedError):
        head_end(b"x" * MAX_HEAD)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_request_or_malformed(data: bytes) -> None:
    for head in (data + b"\r\n\r\n", b"GET / HTTP/1.1\r\n" + data + b"\r\n\r\n"):
        try:
            request = parsed(head)
        except MalformedError:
            continue
        assert all(name and name.isascii() for name, _ in request.fields)
        assert not any(character in value for _, value in request.fields for character in "\r\n\0\x1b")


def test_an_answer_ends_the_connection_and_names_no_version() -> None:
    assert REFUSAL == b"HTTP/1.1 403 Forbidden\r\nServer: cloakroom\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    told = answer(200, {"Content-Type": "text/plain"}, b"hello")
    assert told.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: 5\r\n" in told
    assert told.endswith(b"\r\n\r\nhello")
