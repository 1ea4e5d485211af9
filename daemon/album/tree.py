"""Walks a folder and finds the photos in it, by their content and not by their names."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from daemon.formats.containers import kind_of
from daemon.wire.errors import CloakroomError, Code
from daemon.wire.protocol import LIMITS

HEAD: Final = 4096
"""Bytes that say what kind of file it is."""

Identity = tuple[int, int]
"""Device and number: the same for every name that a file has."""

Reason = Code | Literal["unreadable", "linked-folder", "special"]
SKIPPED: Final[frozenset[Reason]] = frozenset({"not-an-image", "empty", "linked-folder", "special"})
"""Reasons why nobody expects a file to be cloaked. With any other reason, a photo was left uncloaked."""


@dataclass(frozen=True)
class Signature:
    """A file's bytes and nanoseconds of change: where both are as they were, nobody wrote to it."""

    size: int
    changed: int

    @classmethod
    def of(cls, found: os.stat_result) -> "Signature":
        return cls(found.st_size, found.st_mtime_ns)


@dataclass(frozen=True)
class Source:
    """A photo. ``relative`` is its path below the folder, and below the output folder as well."""

    path: Path
    relative: Path
    signature: Signature
    identity: Identity


@dataclass(frozen=True)
class Left:
    """Something in the folder that is not cloaked, and why."""

    relative: Path
    reason: Reason

    @property
    def skipped(self) -> bool:
        return self.reason in SKIPPED


def identity(found: os.stat_result) -> Identity:
    return (found.st_dev, found.st_ino)


def walk(folder: Path, output: Path) -> Iterator[Source | Left]:
    """Everything below the folder, by name; the output folder is passed over where it lies in it.

    Links to files are photos like others. Links to folders are not followed: they lead round in circles, or out of what
    was asked for.

    Raises:
        OSError: the folder itself cannot be read.
    """
    passed_over = identity(output.stat())
    # Of its own, so that no depth of folders is too deep.
    waiting = [Path()]
    while waiting:
        relative = waiting.pop()
        try:
            with os.scandir(folder / relative) as listed:
                entries = sorted(listed, key=lambda entry: os.fsencode(entry.name))
        except OSError:
            if relative == Path():
                raise
            yield Left(relative, "unreadable")
            continue
        folders = []
        for entry in entries:
            below = relative / entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    if identity(entry.stat(follow_symlinks=False)) != passed_over:
                        folders.append(below)
                else:
                    yield _look(folder / below, below)
            except OSError:
                yield Left(below, "unreadable")
        waiting.extend(reversed(folders))


def _look(path: Path, relative: Path) -> Source | Left:
    """Raises OSError where it cannot be read."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        return Left(relative, "linked-folder")
    if not stat.S_ISREG(found.st_mode):
        # Opening a pipe would wait for somebody to write into it.
        return Left(relative, "special")
    with path.open("rb") as file:
        head = file.read(HEAD)
    try:
        kind_of(head)
    except CloakroomError as problem:
        return Left(relative, problem.code)
    if found.st_size > LIMITS.bytes:
        return Left(relative, "too-large")
    return Source(path, relative, Signature.of(found), identity(found))
