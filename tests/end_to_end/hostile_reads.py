"""Hostile pages that read: a script of pages/hostile gets the original where the extension is off, and nowhere else."""

import asyncio
import contextlib
from typing import Literal

from tests.end_to_end.browser import Page
from tests.end_to_end.paths import Path
from tests.end_to_end.photos import Upload
from tests.end_to_end.stage import Stage, leaks
from tests.end_to_end.stamping_daemon import StampingDaemon
from tests.end_to_end.verdict import arrived_original

Action = Literal["pick", "drop", "paste"]

SECONDS = 20.0
BLIND_SECONDS = 8.0
LATE_SECONDS = 0.3
"""Seconds within which a page might send more."""

HOLD_SECONDS = 1.2
HELD = frozenset({"left", "moved", "redispatched", "retyped", "submitted", "polling-everywhere", "form-data"})
"""Pages that do something while the photo is held."""

PREPARED = frozenset(
    {
        "frame-left",
        "reopened-listeners",
        "many",
        "erased-listeners",
        "committed",
        "inside",
        "relayed",
        "copied",
        "again",
        "shared",
        "elsewhere",
    }
)
"""Pages that say when they are ready."""


class BlindError(Exception):
    """The case saw nothing without the extension either: it would not notice a leak."""


async def reads(stage: Stage, name: str, action: Action) -> bool:
    """Whether the original stayed where it was.

    Raises:
        BlindError: the script does not get it without the extension either.
    """
    if not await _arrives(stage, name, action, protected=False):
        raise BlindError(name)
    arrived, stopped = await _attempt(stage, name, action)
    # The last line knows the photo from the cases before: what it stopped was in the page's hands.
    return not arrived and not stopped


async def is_caught(stage: Stage, name: str, action: Action) -> bool:
    """Whether the last line stops what a page sends that is known to get the original, if the photo was held before.

    Raises:
        BlindError: the script does not get it without the extension either.
    """
    if not await _arrives(stage, name, action, protected=False):
        raise BlindError(name)
    await stage.upload(Path("attached", (photo_of(action),)))
    arrived, _ = await _attempt(stage, name, action)
    return not arrived


async def _attempt(stage: Stage, name: str, action: Action) -> tuple[bool, bool]:
    """Whether the original arrived, and whether the last line stopped one."""
    console = await stage.browser.open_extension("options/options.html")
    # What the last line stops of the case before is told a moment later.
    await asyncio.sleep(LATE_SECONDS)
    await leaks(console, forget=True)
    arrived = await _arrives(stage, name, action, protected=True)
    stopped = any(leak["isStopped"] for leak in await leaks(console))
    await console.close()
    return arrived, stopped


async def open_case(stage: Stage, name: str, action: Action, *, protected: bool = True) -> tuple[Page, str, Upload]:
    """The page of a case, its run, and the photo that the person has."""
    assert isinstance(stage.daemon, StampingDaemon)
    stage.daemon.set_delay(HOLD_SECONDS if name in HELD else 0)
    page, run = await stage.visit(Path(f"hostile/{action}/{name}"), protected=protected)
    if name.partition(".")[0] in PREPARED:
        await stage.site.wait_for(run, lambda: "ready" in stage.site.runs[run].words, SECONDS)
    return page, run, stage.uploads[photo_of(action)]


def photo_of(action: Action) -> str:
    """A clipboard has but PNG."""
    return "png" if action == "paste" else "jpeg"


async def _arrives(stage: Stage, name: str, action: Action, *, protected: bool) -> bool:
    """Whether the original arrived by the time that the upload was over, or without the extension, at all."""
    page, run, upload = await open_case(stage, name, action, protected=protected)
    arrived = stage.site.runs[run]
    try:
        await stage.act(Path(name, (photo_of(action),), action), page)
        if name in HELD:
            await page.evaluate("window.meanwhile?.()")
        if protected:
            await stage.site.wait_for(run, lambda: "settled" in arrived.words, SECONDS)
            await asyncio.sleep(LATE_SECONDS)
        else:
            with contextlib.suppress(TimeoutError):
                await stage.site.wait_for(run, lambda: arrived_original(arrived, [upload]), BLIND_SECONDS)
        return arrived_original(arrived, [upload])
    finally:
        await page.close()
