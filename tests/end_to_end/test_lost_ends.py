"""Whoever goes away in the middle leaves nothing behind: no work for the daemon, no question, no page that waits."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.end_to_end.browser import Page
from tests.end_to_end.paths import PATHS, Path
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.stamping_daemon import StampingDaemon, is_stamped

pytestmark = pytest.mark.asyncio(loop_scope="session")

ATTACHED = PATHS[0]
LONG = 240.0
"""Seconds that the daemon would take: whatever happens sooner is no coincidence."""

SECONDS = 60.0
"""Time enough for a worker that does not listen, and has to be ended."""

HOLD_SECONDS = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["chromium", "firefox"])
async def slow(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with open_stage(request.param, daemon_type=StampingDaemon) as opened:
        yield opened


def set_delay(stage: Stage, seconds: float) -> None:
    assert isinstance(stage.daemon, StampingDaemon)
    stage.daemon.set_delay(seconds)


async def until_working(stage: Stage, photos: int) -> None:
    """Wait until the daemon works on so many photos, waiting ones included."""
    async with asyncio.timeout(SECONDS), stage.daemon.client() as client:
        while True:
            state = await client.status()
            if state.queued + state.running == photos:
                return
            await asyncio.sleep(0.1)


async def hold(stage: Stage, path: Path = ATTACHED) -> tuple[Page, str]:
    """A page whose photo the daemon works on, and will for long."""
    set_delay(stage, LONG)
    page, run = await stage.visit(path)
    await stage.act(path, page)
    await until_working(stage, 1)
    return page, run


async def test_a_tab_that_is_closed_takes_its_job_with_it(slow: Stage) -> None:
    page, _ = await hold(slow)
    await page.close()
    await until_working(slow, 0)


async def test_a_page_that_is_left_takes_its_job_with_it(slow: Stage) -> None:
    page, run = await hold(slow)
    await page.go(slow.site.url("attached", "elsewhere"))
    await until_working(slow, 0)
    assert slow.site.runs[run].bodies == []
    await page.close()


# Firefox's automation is told of one chooser an input.
@pytest.mark.parametrize("slow", ["chromium"], indirect=True)
async def test_another_pick_of_an_input_takes_the_place_of_the_first(slow: Stage) -> None:
    page, run = await hold(slow)
    set_delay(slow, 0)
    await page.pick([slow.uploads["png"].path])
    arrived = await slow.site.wait(run, 1, SECONDS)
    await until_working(slow, 0)
    assert [part.name for part in arrived.parts] == ["cat.png"]
    assert is_stamped(arrived.parts[0].data)
    await page.close()


async def test_a_question_outlives_the_background(slow: Stage) -> None:
    set_delay(slow, 0)
    await slow.daemon.kill()
    page, run = await slow.visit(ATTACHED)
    await slow.act(ATTACHED, page)
    window = await slow.browser.hold_window(HOLD_SECONDS)
    await window.wait_for("document.querySelector('button[name=retry]')?.name")
    await slow.browser.kill_background()
    # A window that lost its questions closes; the next background asks anew.
    await slow.browser.hold_window_gone()
    window = await slow.browser.hold_window(HOLD_SECONDS)
    await window.wait_for("document.querySelector('button[name=retry]')?.name")
    await slow.daemon.start()
    await window.click("button[name=retry]")
    arrived = await slow.site.wait(run, 1, HOLD_SECONDS)
    assert is_stamped(arrived.parts[0].data)
    await slow.browser.hold_window_gone()
    await page.close()


async def test_a_result_that_was_finished_meanwhile_is_fetched(slow: Stage) -> None:
    assert isinstance(slow.daemon, StampingDaemon)
    set_delay(slow, 3)
    before = slow.daemon.works
    page, run = await slow.visit(ATTACHED)
    await slow.act(ATTACHED, page)
    async with asyncio.timeout(SECONDS):
        while slow.daemon.works == before:  # noqa: ASYNC110 - the worker is another process
            await asyncio.sleep(0.05)
    # Whoever sent it anew would wait for as long again, and more.
    set_delay(slow, LONG)
    await slow.browser.kill_background()
    arrived = await slow.site.wait(run, 1, SECONDS)
    assert is_stamped(arrived.parts[0].data)
    await page.close()
