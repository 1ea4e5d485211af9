"""The parts and files of an upload that a site received, read from the bodies of requests."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP


@dataclass(frozen=True)
class Part:
    """One file of an upload."""

    name: str
    mime: str
    data: bytes
    last_modified: int | None


@dataclass
class Run:
    """The requests of one visit."""

    bodies: list[bytes] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    """Messages from the page to the test."""

    @property
    def hashes(self) -> set[str]:
        """SHA-256 of every body and every part."""
        return {hashlib.sha256(data).hexdigest() for data in [*self.bodies, *(part.data for part in self.parts)]}

    def holds(self, original: bytes) -> bool:
        """Whether the original is in there: whole as a body or a part, inside of a body, or as base64."""
        if hashlib.sha256(original).hexdigest() in self.hashes:
            return True
        text = base64.b64encode(original)
        return any(original in body or text in body for body in self.bodies)


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def parts_of(content_type: str, name: str, body: bytes) -> list[Part]:
    """The files of a body: multipart, a data URL, or the file itself."""
    if content_type.startswith("multipart/form-data"):
        # Parsed by the standard library: aiohttp's own parser would hide what a part really holds.
        message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
        fields = {str(part.get_param("name", header="content-disposition")): part for part in message.iter_parts()}
        stamps = _content(fields["stamps"]).decode().split(",") if "stamps" in fields else []
        files = [part for part in message.iter_parts() if part.get_filename() is not None]
        return [
            Part(
                str(part.get_filename()),
                part.get_content_type(),
                _content(part),
                int(stamps[index]) if index < len(stamps) else None,
            )
            for index, part in enumerate(files)
        ]
    if match := re.match(rb"data:([^;,]*);base64,", body):
        return [Part(name, match[1].decode(), base64.b64decode(body[match.end() :]), None)]
    return [Part(name, content_type, body, None)]
