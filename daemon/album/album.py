"""One folder of photos and the folder that their cloaked copies go to: what is to be done, and where each goes."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from daemon.album.journal import FOLDER, Ending, Journal, Line
from daemon.album.tree import Identity, Left, Signature, Source, identity, walk
from daemon.wire.errors import SENTENCES, CloakroomError, Code
from daemon.wire.protocol import LIMITS

LASTING: Final[frozenset[str]] = frozenset(
    {"not-an-image", "unsupported-format", "animated", "truncated", "too-large", "too-many-pixels", "empty"}
)
"""Faults of the file itself: as long as it is the same, trying again changes nothing."""

_SENTENCES: Final[dict[str, str]] = {
    **{str(code): sentence for code, sentence in SENTENCES.items()},
    "unreadable": "It cannot be read. Check who may, and that what it links to is there.",
    "linked-folder": "Links to folders are not followed. Protect that folder by itself.",
    "special": "It is no file.",
    "unprotected": "An adversary still recognises something, so nothing was written. "
    "Try --strength strong, or --keep-unprotected to write it all the same.",
    "exists": "Another file has its place in the output folder. Choose another with -o, or overwrite it with --force.",
    "original": "Its place in the output folder is that of an original. Choose another folder with -o.",
    "clash": "Another photo of this run has the same place in the output folder. Protect the two into two folders.",
    "unwritable": "It cannot be written. See that there is room in the output folder, and that you may write there.",
}


def sentence_of(code: str) -> str:
    """Return the sentence that tells a person a reason."""
    return _SENTENCES.get(code, _SENTENCES["internal"])


@dataclass(frozen=True)
class CloakedPhoto:
    """A photo's cloaked file, and what the judge said of it."""

    source: Source
    data: bytes
    report: dict[str, Any]


@dataclass(frozen=True)
class FailedPhoto:
    """A photo that could not be cloaked."""

    source: Source
    code: Code | str


@dataclass(frozen=True)
class PhotoOutcome:
    """How a photo ended. ``earlier``: in a run before this one."""

    relative: Path
    ending: Ending
    code: str | None = None
    earlier: bool = False


@dataclass
class Plan:
    """The photos to cloak, those cloaked by earlier runs, and the other files."""

    todo: list[Source] = field(default_factory=list)
    earlier: list[PhotoOutcome] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


class Album:
    """Args:
    folder: with the photos.
    output: for the cloaked ones; it exists.
    journal: the output folder's, open.
    asked: what is asked for, see `journal.asked_for`.
    keep_unprotected: write also what an adversary still recognises.
    force: do everything again, over whatever is there, except originals.
    """

    def __init__(
        self, folder: Path, output: Path, journal: Journal, asked: str, *, keep_unprotected: bool = False, force: bool = False
    ) -> None:
        self._folder = folder
        self._output = output
        self._journal = journal
        self._asked = asked
        self._keep_unprotected = keep_unprotected
        self._force = force
        self._originals: set[Identity] = set()
        self._given: set[Identity] = set()
        """Return the files that this run has put into the output folder."""

    def plan(self) -> Plan:
        """Look through the folder.

        Raises:
            OSError: it cannot be read.
        """
        plan = Plan()
        for found in walk(self._folder, self._output):
            if isinstance(found, Source) and FOLDER in found.relative.parts[:1]:
                # Our own folder of an album that is now the source of another: its journal is no photo, and its place is taken.
                continue
            if isinstance(found, Left):
                plan.left.append(found)
                continue
            self._originals.add(found.identity)
            earlier = None if self._force else self._earlier(found)
            if earlier is None:
                plan.todo.append(found)
            else:
                plan.earlier.append(earlier)
        return plan

    def _earlier(self, source: Source) -> PhotoOutcome | None:
        """Return how the same photo ended in an earlier run with the same request, if that still holds."""
        line = self._journal.last(source.relative)
        if line is None or line.source != source.signature or line.asked != self._asked:
            return None
        if line.ending in ("protected", "kept"):
            found = _found(self._output / source.relative)
            holds = found is not None and Signature.of(found) == line.output
        elif line.ending == "held":
            holds = not self._keep_unprotected
        else:
            holds = line.code in LASTING
        return PhotoOutcome(source.relative, line.ending, line.code, earlier=True) if holds else None

    def take(self, ended: CloakedPhoto | FailedPhoto) -> PhotoOutcome:
        """Put a cloaked photo where it belongs, or note why there is none."""
        source = ended.source
        if isinstance(ended, FailedPhoto):
            return self._without(source, "failed", ended.code)
        protected = bool(ended.report.get("protected"))
        if not protected and not self._keep_unprotected:
            return self._without(source, "held", "unprotected")
        target = self._output / source.relative
        try:
            problem = self._objection(source, target)
            if problem is not None:
                return self._without(source, "failed", problem)
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._journal.partial(ended.data) as partial:
                found = partial.stat()
                ending: Ending = "protected" if protected else "kept"
                line = Line(str(source.relative), source.signature, self._asked, ending, output=Signature.of(found))
                self._journal.add(line)
                partial.replace(target)
                self._given.add(identity(found))
        except OSError:
            return self._without(source, "failed", "unwritable")
        return PhotoOutcome(source.relative, ending)

    def _objection(self, source: Source, target: Path) -> str | None:
        """Why the photo cannot have its place: nothing is overwritten but what we wrote there ourselves, or by force."""
        found = _found(target)
        if found is None:
            return None
        if identity(found) in self._originals:
            return "original"
        if identity(found) in self._given:
            return "clash"
        ours = self._journal.wrote(source.relative, Signature.of(found))
        return None if ours or self._force else "exists"

    def _without(self, source: Source, ending: Ending, code: str) -> PhotoOutcome:
        try:
            self._journal.add(Line(str(source.relative), source.signature, self._asked, ending, code))
        except OSError:
            code = "unwritable"
        return PhotoOutcome(source.relative, ending, code)


def _found(path: Path) -> os.stat_result | None:
    """Return the file's status, None also for a dangling link or where a parent is no folder."""
    try:
        return path.stat()
    except OSError:
        return None


def read(source: Source) -> tuple[Source, bytes]:
    """The photo's bytes, and the photo as it was when they were read: it may have changed since the folder was walked.

    Raises:
        CloakroomError: it has become too large.
        OSError: it cannot be read any more.
    """
    with source.path.open("rb") as file:
        found = os.fstat(file.fileno())
        if found.st_size > LIMITS.bytes:
            raise CloakroomError("too-large")
        data = file.read(LIMITS.bytes + 1)
    return Source(source.path, source.relative, Signature.of(found), identity(found)), data


def in_the_end(plan: Plan, outcomes: Iterable[PhotoOutcome]) -> list[PhotoOutcome]:
    """Return how every photo ended: in earlier runs, unread, and in this run."""
    unread = [PhotoOutcome(left.relative, "failed", left.reason) for left in plan.left if not left.skipped]
    return sorted([*plan.earlier, *unread, *outcomes], key=lambda outcome: os.fsencode(outcome.relative))
