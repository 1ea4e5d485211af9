"""The journal of an output folder, a line a photo, so that a run that was stopped or killed goes on where it was.

A line is written after the cloaked photo lies whole on the disk and before it gets its name: whichever moment a run is
killed at, a photo that has its name has its line, and a line without its photo is done again.
"""

import contextlib
import hashlib
import json
import os
import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from daemon.album.tree import Signature
from daemon.state.folder import Lock, StateError
from daemon.wire.protocol import PolicyRequest

FOLDER: Final = ".cloakroom"
_JOURNAL: Final = "journal.jsonl"
_PARTIAL: Final = "partial-"

Ending = Literal["protected", "kept", "held", "failed"]
"""`kept` was written although an adversary still recognises something, because that was asked for; `held` was not."""


@dataclass(frozen=True)
class Line:
    """How one photo ended.

    Attributes:
        photo: its path below the folder, as text that may hold half surrogates for bytes that are no UTF-8.
        source: as it was read.
        asked: what was asked for, see `asked_for`.
        ending: what became of it.
        code: why it was held or failed.
        output: the cloaked file, where there is one.
    """

    photo: str
    source: Signature
    asked: str
    ending: Ending
    code: str | None = None
    output: Signature | None = None


def asked_for(policy: PolicyRequest, channel: str | None, models: str) -> str:
    """A digest of all that decides how a photo comes out: another digest is another album."""
    told = [policy.protectors, policy.strength, sorted(policy.sensitive), channel, models]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


class Journal:
    """The lines of one output folder, for one run at a time. Use it as a context.

    Raises:
        StateError: another run works there.
        OSError: the folder cannot be written.
    """

    def __init__(self, output: Path) -> None:
        self._folder = output / FOLDER
        self._lock = Lock(self._folder)
        self._last: dict[str, Line] = {}
        self._written: defaultdict[str, set[Signature]] = defaultdict(set)
        self._file = -1

    def __enter__(self) -> "Journal":
        self._folder.mkdir(mode=0o700, exist_ok=True)
        try:
            self._lock.acquire()
        except StateError:
            raise StateError("Another run writes into this folder. Wait for it, or choose another with -o.") from None
        try:
            for partial in self._folder.glob(f"{_PARTIAL}*"):
                partial.unlink()
            self._read()
            self._file = os.open(self._folder / _JOURNAL, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            self._mend()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._lock.release()

    def _read(self) -> None:
        path = self._folder / _JOURNAL
        with contextlib.suppress(FileNotFoundError), path.open(encoding="ascii", errors="replace") as lines:
            for text in lines:
                # The last one may be torn; a photo without its line is done again.
                # And the folder may be from somebody else: a line that is none of ours is passed over.
                with contextlib.suppress(ValueError, RecursionError):
                    self._keep(msgspec.convert(json.loads(text), Line))

    def _mend(self) -> None:
        """A torn line shall not tear the next one."""
        with (self._folder / _JOURNAL).open("rb") as lines:
            if lines.seek(0, os.SEEK_END):
                lines.seek(-1, os.SEEK_END)
                if lines.read() != b"\n":
                    os.write(self._file, b"\n")

    def _keep(self, line: Line) -> None:
        self._last[line.photo] = line
        if line.output is not None:
            self._written[line.photo].add(line.output)

    def last(self, photo: Path) -> Line | None:
        """Return how the photo ended the last time."""
        return self._last.get(str(photo))

    def wrote(self, photo: Path, found: Signature) -> bool:
        """Whether such a file at its place in the output folder is one that we put there."""
        return found in self._written.get(str(photo), ())

    def add(self, line: Line) -> None:
        """Write a line, for good."""
        os.write(self._file, json.dumps(asdict(line)).encode() + b"\n")
        os.fsync(self._file)
        self._keep(line)

    @contextlib.contextmanager
    def partial(self, data: bytes) -> Iterator[Path]:
        """A file that lies whole on the disk, on the output folder's own disk, until it is given its name or is gone."""
        path = self._folder / f"{_PARTIAL}{secrets.token_hex(8)}"
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield path
        finally:
            path.unlink(missing_ok=True)
