"""The last line alone: a build of the extension that holds nothing back, and what is stopped or told of the originals that go.

In that build every photo is handed to the background as ever, and then to the page as it is.
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path as FilePath

from daemon.figures import say
from tests.end_to_end.browser import EXTENSION, Page
from tests.end_to_end.paths import Path, paths_in
from tests.end_to_end.stage import Stage, leaks, open_stage
from tests.end_to_end.stamping_daemon import StampingDaemon
from tests.end_to_end.verdict import arrived_original

SECONDS = 4.0
LATE_SECONDS = 0.5

CHANGES = (
    ("    await this.#remember(files);\n", "    await this.#remember(files);\n    return parcels.map(() => null);\n"),
    ("    this.#tools.originals.settle(", "    if (false) this.#tools.originals.settle("),
)
"""In background/upload.js: every upload is let go, and none counts as let go by the person."""


def without_hold(folder: FilePath) -> FilePath:
    """A copy of the extension that holds nothing.

    Raises:
        ValueError: the code is not as it was when this was written.
    """
    copy = folder / "unheld"
    shutil.copytree(EXTENSION, copy)
    file = copy / "background" / "upload.js"
    text = file.read_text()
    for before, after in CHANGES:
        if text.count(before) != 1:
            raise ValueError(f"upload.js has not: {before.strip()}")
        text = text.replace(before, after)
    file.write_text(text)
    return copy


@contextlib.asynccontextmanager
async def open_unheld(browser: str, folder: FilePath) -> AsyncIterator[Stage]:
    """A stage with that build."""
    async with open_stage(browser, daemon_type=StampingDaemon, extension=without_hold(folder)) as stage:
        yield stage


async def outcome(stage: Stage, console: Page, path: Path) -> tuple[bool, bool]:
    """Whether the original arrived, and whether the person was told."""
    await leaks(console, forget=True)
    uploads = [stage.uploads[name] for name in path.files]
    page, run = await stage.visit(path)
    arrived = stage.site.runs[run]
    try:
        await stage.act(path, page)
        with contextlib.suppress(TimeoutError):
            # What is stopped never arrives.
            await stage.site.wait_for(run, lambda: arrived_original(arrived, uploads), SECONDS)
        await asyncio.sleep(LATE_SECONDS)
        return arrived_original(arrived, uploads), bool(await leaks(console))
    finally:
        await page.close()


async def measure_last_line(stage: Stage, _: int) -> dict[str, float]:
    """The paths, those whose original was stopped in Firefox or told of in Chromium, and those that it reached the site by."""
    console = await stage.browser.open_extension("options/options.html")
    caught, originals, paths = 0, 0, paths_in(stage.browser.name)
    for path in paths:
        arrived, told = await outcome(stage, console, path)
        originals += arrived
        caught += told and not (arrived and stage.browser.name == "firefox")
        say(f"{stage.browser.name}: {path.name}: arrived {arrived}, told {told}")
    await console.close()
    return {"lastline.paths": len(paths), "lastline.caught": caught, "lastline.originals": originals, "bad": False}
