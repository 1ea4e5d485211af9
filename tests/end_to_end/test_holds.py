"""Whatever goes wrong, nothing goes out before a person has chosen, in the extension's own window."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.end_to_end.browser import Page
from tests.end_to_end.paths import PATHS, Path
from tests.end_to_end.photos import astronaut, jpeg
from tests.end_to_end.stage import Stage, take_leaks
from tests.end_to_end.verdict import arrived_original, problems

pytestmark = pytest.mark.asyncio(loop_scope="session")

ATTACHED = PATHS[0]
HOLD_SECONDS = 30.0
RETRY_SECONDS = 5.0
"""Longer than the extension tries to reach a daemon that is not there."""


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def without_alarm(stage: Stage) -> AsyncIterator[None]:
    """No original that a person let go is told of as one that a page got hold of."""
    yield
    assert await take_leaks(stage.browser) == []


async def choose(window: Page, choice: str) -> None:
    await window.wait_for(f"document.querySelector('button[name={choice}]')?.name")
    await window.click(f"button[name={choice}]")


async def test_with_the_daemon_dead_every_path_is_held(stage: Stage) -> None:
    await stage.daemon.kill()
    visits = []
    # Pasting first: it needs the focus, which the hold window takes.
    for path in sorted(PATHS, key=lambda path: path.action != "paste"):
        page, run = await stage.visit(path)
        await stage.act(path, page)
        visits.append((path, page, run))
    window = await stage.browser.hold_window(HOLD_SECONDS)
    await window.wait_for(f"document.querySelectorAll('article').length === {len(PATHS)}", HOLD_SECONDS)
    for path, page, run in visits:
        assert [part.name for part in stage.site.runs[run].parts] == [], path.name
        assert not arrived_original(stage.site.runs[run], [stage.uploads[name] for name in path.files]), path.name
        await page.close()
    # The last page that was left takes the window with it.
    async with asyncio.timeout(HOLD_SECONDS):
        await stage.browser.hold_window_gone()
    assert all(not stage.site.runs[run].parts for _, _, run in visits)
    await stage.daemon.start()
    await stage.daemon.ready()


async def test_cancelling_tells_the_page_as_the_browser_would(stage: Stage) -> None:
    await stage.daemon.kill()
    page, run = await stage.visit(ATTACHED)
    await page.evaluate("void f.addEventListener('cancel', () => { window.cancelled = true; })")
    await stage.act(ATTACHED, page)
    await choose(await stage.browser.hold_window(HOLD_SECONDS), "cancel")
    assert await page.wait_for("window.cancelled") is True
    assert await page.evaluate("f.files.length") == 0
    assert stage.site.runs[run].parts == []
    await page.close()
    await stage.daemon.start()
    await stage.daemon.ready()


async def test_cancelling_sends_no_form_without_its_photo(stage: Stage) -> None:
    await stage.daemon.kill()
    path = Path("button", press=True)
    page, run = await stage.visit(path)
    await stage.act(path, page)
    await choose(await stage.browser.hold_window(HOLD_SECONDS), "cancel")
    await stage.browser.hold_window_gone()
    # What the page would send now is under way at once.
    await asyncio.sleep(1)
    assert await page.evaluate("document.title") == "button"
    assert stage.site.runs[run].bodies == []
    await page.close()
    await stage.daemon.start()
    await stage.daemon.ready()


async def test_a_retry_that_fails_while_the_window_closes_is_shown_in_another(stage: Stage) -> None:
    await stage.daemon.kill()
    page, run = await stage.visit(ATTACHED)
    await stage.act(ATTACHED, page)
    closing = await stage.browser.hold_window(HOLD_SECONDS)
    # One that takes its time to close.
    await closing.evaluate("void (window.close = () => {})")
    await choose(closing, "retry")
    await asyncio.sleep(RETRY_SECONDS)
    await closing.close()
    await choose(await stage.browser.hold_window(HOLD_SECONDS), "cancel")
    assert stage.site.runs[run].parts == []
    await page.close()
    await stage.daemon.start()
    await stage.daemon.ready()


async def test_an_upload_outlives_the_background(stage: Stage) -> None:
    # A slower photo, so that the background goes while it is being cloaked.
    stage.uploads["slow"] = jpeg(astronaut(), stage.uploads["jpeg"].path.parent / "slow.jpg")
    path = Path("attached", ("slow",))
    page, run = await stage.visit(path)
    await stage.act(path, page)
    await stage.browser.kill_background()
    assert stage.site.runs[run].parts == [], "the upload was over before the background went"
    await stage.site.wait(run, 1, 120)
    assert problems(path, stage.site.runs[run], [stage.uploads["slow"]]) == []
    await page.close()


async def test_several_uploads_wait_in_one_window_and_each_gets_its_own_answer(stage: Stage) -> None:
    await stage.daemon.kill()
    visits = []
    for _ in range(2):
        page, run = await stage.visit(ATTACHED)
        await stage.act(ATTACHED, page)
        visits.append((page, run))
    window = await stage.browser.hold_window(HOLD_SECONDS)
    await window.wait_for("document.querySelectorAll('article').length === 2")
    await choose(window, "original")
    done, _ = await asyncio.wait(
        [asyncio.create_task(stage.site.wait(run, 1, 10)) for _, run in visits], return_when=asyncio.FIRST_COMPLETED
    )
    assert arrived_original(done.pop().result(), [stage.uploads["jpeg"]])
    assert sorted(len(stage.site.runs[run].parts) for _, run in visits) == [0, 1]
    await stage.daemon.start()
    await stage.daemon.ready()
    await choose(window, "retry")
    for _, run in visits:
        await stage.site.wait(run, 1, 120)
    cloaked = [run for _, run in visits if not arrived_original(stage.site.runs[run], [stage.uploads["jpeg"]])]
    assert len(cloaked) == 1
    assert problems(ATTACHED, stage.site.runs[cloaked[0]], [stage.uploads["jpeg"]]) == []
    for page, _ in visits:
        await page.close()


async def test_a_page_cannot_reach_the_hold_window(stage: Stage) -> None:
    page, _ = await stage.visit(ATTACHED)
    address = await stage.browser.open_extension("hold/hold.html")
    url = await address.evaluate("location.href")
    await address.close()
    # Whether a page may load it at all is one rule for frames and for requests, and only a request says what came of it.
    reached = await page.evaluate(f"fetch({url!r}, {{ mode: 'no-cors' }}).then(() => 'reached', () => 'blocked')")
    assert reached == "blocked"
    assert await page.evaluate("typeof globalThis.chrome?.runtime?.connect") == "undefined"
    await page.close()


@pytest.mark.parametrize("path", [Path("attached", ("pdf",))], ids=["pdf"])
async def test_a_file_that_is_no_image_needs_no_daemon(stage: Stage, path: Path) -> None:
    run = await stage.upload(path)
    assert [part.data for part in run.parts] == [stage.uploads["pdf"].data]
