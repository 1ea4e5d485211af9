"""The head of an HTTP request, read strictly, and answers as bytes: without input or output of its own.

Whoever connects is a stranger, so this is all of HTTP that they reach. One request a connection, none with a body, and what is
malformed in any way gets the very answer that every other refusal gets.
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
    """This is no request. Never says why."""


@dataclass(frozen=True)
class Request:
    """Attributes:
    target: as it was sent.
    fields: names in lower case and values, in the order in which they came.
    """

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]

    def every(self, name: str) -> list[str]:
        """All values of a field, by its name in lower case."""
        return [value for known, value in self.fields if known == name]

    def only(self, name: str) -> str | None:
        """The value of a field that came exactly once."""
        values = self.every(name)
        return values[0] if len(values) == 1 else None

    def words(self, name: str) -> set[str]:
        """What stands between the commas of a field, in lower case."""
        return {word.strip().lower() for value in self.every(name) for word in value.split(",")}


def head_end(received: bytes | bytearray) -> int | None:
    """Where the head ends; None where it goes on.

    Raises:
        MalformedError: it is longer than any that is taken.
    """
    end = received.find(b"\r\n\r\n", 0, MAX_HEAD)
    if end >= 0:
        return end + 4
    if len(received) >= MAX_HEAD:
        raise MalformedError
    return None


def parsed(head: bytes) -> Request:
    """Take a head apart, up to and with its empty line.

    Raises:
        MalformedError: it is not one, or announces a body.
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
    """An answer after which the connection is closed."""
    told = {"Server": "cloakroom", **(fields or {}), "Content-Length": str(len(body)), "Connection": "close"}
    return head_of(status, told) + body


def head_of(status: int, fields: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_STATUS[status]}", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


REFUSAL: Final = answer(403)
"""The one answer to everything that does not belong, the same byte for byte."""
