"""The last line alone, in a build that holds nothing back."""

from collections.abc import AsyncIterator
from pathlib import Path as FilePath

import pytest
import pytest_asyncio

from tests.end_to_end.lastline import open_unheld, outcome
from tests.end_to_end.paths import Path
from tests.end_to_end.site import HOST
from tests.end_to_end.stage import Stage, badge_is, keeps, leaks, open_popup, tell

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATHS = (Path("attached"), Path("multiple", ("jpeg", "pdf", "png")), Path("reader"), Path("raw"), Path("button", press=True))


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["chromium", "firefox"])
async def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with open_unheld(request.param, FilePath(tmp_path_factory.mktemp("unheld"))) as opened:
        yield opened


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
async def test_an_original_is_stopped_or_told(stage: Stage, path: Path) -> None:
    console = await stage.browser.open_extension("options/options.html")
    arrived, told = await outcome(stage, console, path)
    await console.close()
    assert told
    assert arrived == (stage.browser.name == "chromium")


async def test_the_popup_and_the_history_say_it(stage: Stage) -> None:
    await tell(stage.browser, {"type": "set-history", "on": True})
    console = await stage.browser.open_extension("options/options.html")
    await outcome(stage, console, PATHS[0])
    assert [leak["host"] for leak in await leaks(console)] == [HOST]
    wanted = "leaked" if stage.browser.name == "chromium" else "stopped"
    await keeps(console, f"kept.history.entries.some(({{ outcome, host }}) => outcome === '{wanted}' && host === '{HOST}')")
    page, run = await stage.visit(PATHS[0])
    # What was told outlives the background that told it.
    await stage.browser.kill_background()
    popup = await open_popup(stage.browser, run)
    await popup.wait_for(f"document.querySelector('#leaks-words').textContent.includes('{HOST}')")
    await badge_is(popup, "!")
    await popup.click("#leaks-seen")
    await popup.wait_for("document.querySelector('#leaks').hidden")
    await badge_is(popup, "")
    assert await leaks(console) == []
    for shown in (popup, page, console):
        await shown.close()
    await tell(stage.browser, {"type": "set-history", "on": False})
    await tell(stage.browser, {"type": "erase-history"})
