"""The bytes that a fetch has brought so far, in `.NAME.part` with a note beside it, where the next fetch finds them.

The note says of which file it is a part and what the source called that state of the file, so that nothing is put
together from two different files unnoticed. What is whole is held against its SHA-256 all the same.
"""

import os
from pathlib import Path
from typing import IO

import msgspec

from daemon.state.folder import write_private


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's hash, the source that sent bytes last, and that source's validator (ETag or Last-Modified)."""

    sha256: str
    source: str = ""
    validator: str = ""


class Part:
    """The beginning of one file.

    Args:
        folder: where it is kept.
        name: of what is fetched.
        sha256: of the whole file.
        whole: bytes of the whole file.
    """

    def __init__(self, folder: Path, name: str, sha256: str, whole: int) -> None:
        self.path = folder / f".{name}.part"
        self._note_path = folder / f".{name}.part.json"
        self.name = name
        self.sha256 = sha256
        self.whole = whole
        self._note = self._read()
        if self._note is None or self._note.sha256 != sha256 or self.size > whole:
            # Of another file, or of nobody knows which.
            self.remove()

    def _read(self) -> Note | None:
        try:
            return msgspec.json.decode(self._note_path.read_bytes(), type=Note)
        except (OSError, msgspec.DecodeError):
            return None

    @property
    def size(self) -> int:
        """Bytes that are here."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    @property
    def is_whole(self) -> bool:
        return self.size == self.whole

    def validator(self, source: str) -> str:
        """By what this source knows the file again of which we have a part; empty if it was another source's."""
        return self._note.validator if self._note and self._note.source == source else ""

    def coming_from(self, source: str, validator: str) -> None:
        """Say who sends what is appended next; before it is, because afterwards we may be gone."""
        note = Note(self.sha256, source, validator)
        if note != self._note:
            write_private(self._note_path, msgspec.json.encode(note))
            self._note = note

    def appending(self) -> IO[bytes]:
        """Unbuffered: what was written is here, whatever becomes of this process."""
        return os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)

    def empty(self) -> None:
        """Begin anew."""
        self.path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Leave nothing."""
        self.path.unlink(missing_ok=True)
        self._note_path.unlink(missing_ok=True)
        self._note = None


def halves(folder: Path) -> list[Path]:
    """Every part and note that a fetch has left in this folder."""
    return sorted((*folder.glob(".*.part"), *folder.glob(".*.part.json")))
