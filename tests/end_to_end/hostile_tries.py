"""Hostile pages that forge, drive, decide and exhaust."""

import asyncio
import contextlib

from tests.end_to_end.hostile_reads import LATE_SECONDS, SECONDS, Action, BlindError, open_case
from tests.end_to_end.paths import Path
from tests.end_to_end.photos import Upload, animation, cat, jpeg
from tests.end_to_end.received import Run
from tests.end_to_end.stage import Stage
from tests.end_to_end.stamping_daemon import StampingDaemon, is_stamped
from tests.end_to_end.verdict import arrived_original

CROWD = 1000
CROWD_SECONDS = 120.0
TAB_SECONDS = 30.0


async def forges(stage: Stage, name: str, action: Action) -> bool:
    """The page says what only ours say to each other: nobody answers, and the person's upload is cloaked as ever."""
    page, run, upload = await open_case(stage, name, action)
    try:
        await stage.act(Path(name, action=action), page)
        await _ended(stage, run)
        # The page says that it is settled before what it sends has arrived.
        arrived = await stage.site.wait(run, 1, SECONDS)
        return "won" not in arrived.words and _is_cloaked(arrived, upload)
    finally:
        await page.close()


async def _ended(stage: Stage, run: str) -> Run:
    """The run once the person's upload went on, and the page has tried."""
    words = stage.site.runs[run].words
    await stage.site.wait_for(run, lambda: {"settled", "tried"} <= words, SECONDS)
    await asyncio.sleep(LATE_SECONDS)
    return stage.site.runs[run]


def _is_cloaked(run: Run, upload: Upload) -> bool:
    return not arrived_original(run, [upload]) and any(
        is_stamped(part.data) for part in run.parts if part.mime.startswith("image")
    )


async def replays(stage: Stage, name: str, action: Action) -> bool:
    """The page has our own event from before while the next photo is held."""
    daemon = stage.daemon
    assert isinstance(daemon, StampingDaemon)
    page, run, upload = await open_case(stage, name, action)
    try:
        path = Path(name, action=action)
        await stage.act(path, page)
        await _ended(stage, run)
        await stage.site.wait(run, 1, SECONDS)
        daemon.set_delay(1)
        await stage.act(path, page)
        await asyncio.sleep(1.5 + LATE_SECONDS)
        return _is_cloaked(stage.site.runs[run], upload)
    finally:
        daemon.set_delay(0)
        await page.close()


async def drives_nothing(stage: Stage, name: str, action: Action) -> bool:
    """Check that no photo that the page made itself comes to the daemon, and one that the person picks does."""
    assert isinstance(stage.daemon, StampingDaemon)
    page, run, _ = await open_case(stage, name, action)
    try:
        before = stage.daemon.works
        await stage.site.wait_for(run, lambda: "tried" in stage.site.runs[run].words, SECONDS)
        await asyncio.sleep(1)
        driven = stage.daemon.works - before
        await stage.act(Path(name, action=action), page)
        await _ended(stage, run)
        if stage.daemon.works != before + driven + 1:
            raise BlindError(f"{name}: the daemon counts {stage.daemon.works - before - driven} photos for one")
        return driven == 0
    finally:
        await page.close()


async def is_not_answered(stage: Stage, name: str, action: Action) -> bool:
    """Messages that the extension answers to its own pages."""
    options_page = await stage.browser.open_extension("options/options.html")
    identity = await options_page.evaluate("chrome.runtime.id")
    known = await options_page.evaluate("chrome.runtime.sendMessage({ type: 'state' }).then((state) => state.connection)")
    await options_page.close()
    if known != "ready":
        raise BlindError(f"{name}: its own pages hear {known}")
    page, _, _ = await open_case(stage, name, action)
    try:
        return bool(await page.evaluate(f"speak({identity!r})") == [])
    finally:
        await page.close()


async def is_refused(stage: Stage, name: str, action: Action) -> bool:
    """The daemon's port, which the command line reaches."""
    async with stage.daemon.client() as client:
        await client.status()
    page, _, _ = await open_case(stage, name, action)
    try:
        return set(await page.evaluate(f"speak({stage.daemon.port})")) == {"refused"}
    finally:
        await page.close()


PAGES = ("hold/hold.html", "popup/popup.html", "options/options.html", "onboarding/onboarding.html")


async def opens_no_page(stage: Stage, name: str, action: Action) -> bool:
    """The extension's pages and files, framed, opened and fetched; the person opens each."""
    addresses = []
    for path in PAGES:
        options_page = await stage.browser.open_extension(path)
        addresses.append(await options_page.evaluate("location.href"))
        await options_page.close()
    page, _, _ = await open_case(stage, name, action)
    try:
        reached = await page.evaluate(f"reach({addresses!r})")
        with contextlib.suppress(TimeoutError):
            await stage.browser.hold_window(1)
            reached.append("hold window")
        await page.evaluate("opened.forEach((view) => view?.close())")
        return bool(reached == [])
    finally:
        await page.close()


async def decides_nothing(stage: Stage, name: str, action: Action) -> bool:
    """While the person is asked about a picture that nothing can cloak."""
    moving = stage.uploads.setdefault("moving", animation(stage.uploads["jpeg"].path.parent / "moving.gif"))
    page, run, _ = await open_case(stage, name, action)
    try:
        await page.pick([moving.path])
        window = await stage.browser.hold_window(SECONDS)
        await stage.site.wait_for(run, lambda: "tried" in stage.site.runs[run].words, SECONDS)
        await asyncio.sleep(1)
        decided = await window.evaluate("document.querySelectorAll('article').length") != 1 or bool(stage.site.runs[run].parts)
        # The person's own press does decide.
        await window.click("button[name=original]")
        await stage.site.wait(run, 1, SECONDS)
        return not decided and stage.site.runs[run].parts[0].data == moving.data
    finally:
        await page.close()


async def crowds(stage: Stage, name: str, action: Action) -> bool:
    """A thousand files in one pick: every photo is cloaked, the page answers, and another tab is served meanwhile."""
    folder = stage.uploads["jpeg"].path.parent
    photo = jpeg(cat(48), folder / "crowd.jpg")
    crowd = []
    for number in range(CROWD):
        # One in five is a photo, whatever its name says.
        path = folder / f"crowd-{number}.txt"
        path.write_bytes(photo.data if number % 5 == 0 else b"%d" % number)
        crowd.append(path)
    page, run = await stage.visit(Path("multiple"))
    try:
        await page.pick(crowd)
        other = asyncio.create_task(stage.upload(Path("attached"), seconds=TAB_SECONDS))
        async with asyncio.timeout(5):
            await page.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 0)).then(() => 1)")
        cloaked = _is_cloaked(await other, stage.uploads["jpeg"])
        await stage.site.wait(run, CROWD, CROWD_SECONDS)
        parts = stage.site.runs[run].parts
        stamped = sum(is_stamped(part.data) for part in parts[::5])
        return cloaked and len(parts) == CROWD and stamped == CROWD // 5 and photo.data not in {part.data for part in parts}
    finally:
        await page.close()
