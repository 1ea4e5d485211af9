"""A strict parser of HTTP request heads, and answers as bytes. It does no input or output.

This is all of HTTP that an unauthenticated connection reaches: one request a connection, none with a body. A malformed request
gets the same answer as every other refusal.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_HEAD: Final = 16 * 1024
"""Bytes. Browsers send about 600, and with them the cookies that other programs on 127.0.0.1 have set."""

MAX_FIELDS: Final = 64

_REQUEST_LINE = re.compile(rb"([A-Z]{1,16}) ([!-~]{1,2048}) HTTP/1\.1")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}):[ \t]*([\t -~\x80-\xff]*)")
_STATUS: Final = {101: "Switching Protocols", 200: "OK", 403: "Forbidden"}


class MalformedError(Exception):
    """The bytes are no valid request. The reason is not told."""


@dataclass(frozen=True)
class Request:
    """The head of a request.

    Attributes:
        method: its method.
        target: its target, as it was sent.
        fields: names in lower case and values, in the order in which they came.
    """

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]

    def every(self, name: str) -> list[str]:
        """Return all values of a field, given by its name in lower case."""
        return [value for known, value in self.fields if known == name]

    def only(self, name: str) -> str | None:
        """Return the value of a field that came exactly once, else None."""
        values = self.every(name)
        return values[0] if len(values) == 1 else None

    def words(self, name: str) -> set[str]:
        """Return the comma-separated words of a field, in lower case."""
        return {word.strip().lower() for value in self.every(name) for word in value.split(",")}


def head_end(received: bytes | bytearray) -> int | None:
    """Return the position after the head; None where it is not complete yet.

    Raises:
        MalformedError: it is longer than ``MAX_HEAD``.
    """
    end = received.find(b"\r\n\r\n", 0, MAX_HEAD)
    if end >= 0:
        return end + 4
    if len(received) >= MAX_HEAD:
        raise MalformedError
    return None


def parsed(head: bytes) -> Request:
    """Parse a head, which ends with its empty line.

    Raises:
        MalformedError: it is not valid, or announces a body.
    """
    line, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    asked = _REQUEST_LINE.fullmatch(line)
    found = [_FIELD.fullmatch(one) for one in lines[: MAX_FIELDS + 1]]
    if asked is None or len(found) > MAX_FIELDS:
        raise MalformedError
    fields = []
    for field in found:
        if field is None:
            raise MalformedError
        fields.append((field[1].decode("ascii").lower(), field[2].rstrip(b" \t").decode("latin-1")))
    request = Request(asked[1].decode("ascii"), asked[2].decode("ascii"), tuple(fields))
    if request.every("transfer-encoding") or request.every("content-length") not in ([], ["0"]):
        raise MalformedError
    return request


def answer(status: int, fields: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return an answer after which the connection is closed."""
    told = {"Server": "cloakroom", **(fields or {}), "Content-Length": str(len(body)), "Connection": "close"}
    return head_of(status, told) + body


def head_of(status: int, fields: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_STATUS[status]}", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


REFUSAL: Final = answer(403)
"""The answer to every request that is refused, the same byte for byte."""
