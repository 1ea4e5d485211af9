"""How an upload ended: what the extension stated, held against what the site received."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.end_to_end import photos
from tests.end_to_end.random_plan import KINDS, LARGE
from tests.end_to_end.received import Part, Run
from tests.end_to_end.verdict import is_original

FATES = {**KINDS, LARGE: "cloaked"}
SENT = ("cloaked", "original")


@dataclass(frozen=True)
class File:
    """A file that was picked, and its kind."""

    kind: str
    upload: photos.Upload

    @property
    def is_picture(self) -> bool:
        return FATES.get(self.kind, "cloaked") != "passed"

    @property
    def is_photo(self) -> bool:
        return FATES.get(self.kind, "cloaked") == "cloaked"


@dataclass(frozen=True)
class Ending:
    """`name` is one of done, asked, cancelled and stuck; `original` whether one went out without the person's word."""

    name: str
    original: bool = False
    why: str = ""


def judge(
    picks: Sequence[Sequence[File]],
    run: Run,
    stated: Sequence[str],
    allowed: set[str],
    is_cloaked: Callable[[bytes], bool],
    *,
    is_gone: bool = False,
    is_replaced: bool = True,
) -> Ending:
    """The ending of an upload that is over.

    Args:
        picks: the files of each pick, the last one being what counts where one takes the place of another.
        run: what the site received.
        stated: outcomes that the extension recorded, in order.
        allowed: names of files that the person let go as they are.
        is_cloaked: tells a photo that went through the daemon.
        is_gone: whether the page was left before the end.
        is_replaced: whether of two picks the second takes the place of the first.
    """
    files = [file for pick in picks for file in pick]
    held = [file for file in files if file.is_picture and not _is_allowed(file, files, allowed)]
    if any(run.holds(file.upload.data) or any(_shows(file, part) for part in run.parts) for file in held):
        return Ending("stuck", True, "the original arrived")
    wrong = [part.name for part in run.parts if not _is_fine(part, files, allowed, is_cloaked)]
    if wrong:
        return Ending("stuck", False, f"{wrong} is neither what was picked nor what the daemon made of it")
    each = [len([file for file in pick if file.upload.data]) for pick in picks]
    counts = {*each, sum(each)}
    is_whole = len(run.parts) in counts and bool(run.bodies)
    sent = [outcome for outcome in stated if outcome in SENT]
    if len(picks) > 1 and is_replaced and run.parts and run.parts[-1].name != picks[-1][0].upload.name:
        return Ending("stuck", False, f"{run.parts[-1].name} arrived, which another pick had taken the place of")
    if is_whole and (sent or not stated):
        return Ending("asked" if "original" in sent else "done")
    if not run.parts and (is_gone or (stated and stated[-1] == "cancelled")):
        return Ending("cancelled")
    return Ending("stuck", False, f"stated {list(stated)}, and {len(run.parts)} files arrived instead of {sorted(counts)}")


def _is_allowed(file: File, files: Sequence[File], allowed: set[str]) -> bool:
    # What is pasted has no name of its own.
    return bool(allowed) and (len(files) == 1 or file.upload.name in allowed)


def _shows(file: File, part: Part) -> bool:
    """Whether a part is the photo that was picked, also if a clipboard encoded it anew."""
    with contextlib.suppress(OSError):
        return file.is_photo and is_original(file.upload, part)
    return False


def _is_fine(part: Part, files: Sequence[File], allowed: set[str], is_cloaked: Callable[[bytes], bool]) -> bool:
    same = [file for file in files if part.data == file.upload.data]
    if same:
        return any(not file.is_picture or _is_allowed(file, files, allowed) for file in same)
    if any(_is_allowed(file, files, allowed) and _shows(file, part) for file in files):
        return True
    with contextlib.suppress(OSError):
        return is_cloaked(part.data)
    return False
