"""Pages that want the original, or what only a person may decide: a table of cases, each with its own verdict.

Of a case that reads there is a script in pages/hostile. It is run where the extension is off, where it has to get the original,
and where it is on: there the person's upload goes on, and the original arrives nowhere.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from tests.end_to_end.paths import Path
from tests.end_to_end.stage import Stage
from tests.end_to_end.stamping_daemon import StampingDaemon
from tests.end_to_end.verdict import arrived_original

SECONDS = 15.0
BLIND_SECONDS = 8.0
LATE_SECONDS = 0.3
"""What a page might send besides comes within so long."""


@dataclass(frozen=True)
class Case:
    """One thing that a hostile page tries.

    `holds` tells whether a browser withstands it, and raises where the test itself could not have told. `browsers` are those that
    have what the page needs.
    """

    name: str
    holds: Callable[[Stage, "Case"], Awaitable[bool]]
    action: Literal["pick", "drop", "paste"] = "pick"
    browsers: tuple[str, ...] = ("chromium", "firefox")


class BlindError(Exception):
    """Without the extension the case saw nothing: it would not notice a leak."""


async def run(stage: Stage, case: Case) -> bool:
    """Whether the browser withstood.

    Raises:
        BlindError: nobody can say.
    """
    return await case.holds(stage, case)


async def reads(stage: Stage, case: Case) -> bool:
    """The script gets the original where the extension is off, and nowhere else."""
    if not await _arrives(stage, case, protected=False):
        raise BlindError(case.name)
    return not await _arrives(stage, case, protected=True)


async def _arrives(stage: Stage, case: Case, *, protected: bool) -> bool:
    """Whether the original arrived by the time that the upload was over, or without the extension, at all."""
    files = ("png",) if case.action == "paste" else ("jpeg",)
    uploads = [stage.uploads[name] for name in files]
    path = Path(f"hostile/{case.action}/{case.name}", files, case.action)
    assert isinstance(stage.daemon, StampingDaemon)
    stage.daemon.set_delay(HOLD_SECONDS if case.name in HELD else 0)
    page, run = await stage.visit(path, protected=protected)
    arrived = stage.site.runs[run]
    try:
        if case.name in PREPARED:
            await stage.site.wait_for(run, lambda: "ready" in arrived.words, SECONDS)
        await stage.act(path, page)
        if not protected:
            with contextlib.suppress(TimeoutError):
                await stage.site.wait_for(run, lambda: arrived_original(arrived, uploads), BLIND_SECONDS)
        else:
            await stage.site.wait_for(run, lambda: "settled" in arrived.words, SECONDS)
            await asyncio.sleep(LATE_SECONDS)
        return arrived_original(arrived, uploads)
    finally:
        await page.close()


HOLD_SECONDS = 1.2
HELD = frozenset({"left", "moved", "redispatched", "retyped", "submitted", "polling-everywhere", "form-data"})
"""Pages that need the photo to be held for a while."""

PREPARED = frozenset({"frame-left", "reopened-listeners"})
"""Pages that say when they are ready."""

CASES = (
    *(
        Case(name, reads)
        for name in (
            "frame-getter", "frame-input", "frame-click", "frame-patched", "frame-parsed", "frame-unscripted",
            "opened-window", "replaced-builtins", "array-setters", "promises", "ports", "weak-collections", "calling", "species",
            "object-setters", "event-members", "early-listeners", "own-files", "polling-everywhere", "form-data", "object-urls",
            "redispatched", "moved", "retyped", "submitted", "left", "posted", "reopened-listeners",
        )
    ),
    # Elsewhere the window that a frame leaves stays until another document is there.
    Case("frame-left", reads, browsers=("chromium",)),
    *(Case(name, reads, "drop") for name in ("array-setters", "event-members", "kept-transfer", "kept-entries", "transfer-members", "early-listeners")),
    *(Case(name, reads, "paste") for name in ("array-setters", "kept-paste", "event-members")),
)  # fmt: skip
