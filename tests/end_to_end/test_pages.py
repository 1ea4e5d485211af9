"""The extension's pages in both browsers: popup, hold window, options and onboarding."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path as FilePath
from typing import Any

import pytest
import pytest_asyncio

from tests.end_to_end.accessibility import everything_wrong
from tests.end_to_end.browser import Page
from tests.end_to_end.paths import PATHS, Path
from tests.end_to_end.photos import animation
from tests.end_to_end.site import HOST
from tests.end_to_end.stage import QUICKEST, Stage, badge_is, keeps, open_popup, set_rule, take_leaks, tell
from tests.end_to_end.verdict import arrived_original, problems

pytestmark = pytest.mark.asyncio(loop_scope="session")

ATTACHED = PATHS[0]

HOLD_SECONDS = 60.0


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def as_before(stage: Stage) -> AsyncIterator[None]:
    """Whatever a test changed of the site's rule, the next one begins with it cloaked; and no test has a false alarm."""
    yield
    leaks = await take_leaks(stage.browser)
    await set_rule(stage.browser, HOST, mode="cloak", unprotected="ask", media="ask", protectors=QUICKEST)
    assert leaks == []


async def stored(page: Page, key: str, area: str = "local") -> Any:
    """Return the extension's stored value of a key."""
    return json.loads(await page.evaluate(f"chrome.storage.{area}.get().then((all) => JSON.stringify(all[{key!r}] ?? null))"))


async def until_rule(page: Page, field: str, value: str) -> None:
    await keeps(page, f"kept.policy.sites['{HOST}'].{field} === '{value}'")


async def choose(window: Page, choice: str) -> None:
    await window.wait_for(f"document.querySelector('button[name={choice}]')?.name")
    await window.click(f"button[name={choice}]")


async def pick_one(stage: Stage) -> tuple[Page, str]:
    """A page on which a photo was picked just now."""
    page, run = await stage.visit(ATTACHED)
    await stage.act(ATTACHED, page)
    return page, run


async def test_no_page_has_anything_that_axe_finds_wrong(stage: Stage) -> None:
    assert await everything_wrong(stage) == {}


async def test_the_switch_changes_the_stored_rule(stage: Stage) -> None:
    page, run = await stage.visit(ATTACHED)
    popup = await open_popup(stage.browser, run)
    assert await popup.evaluate("document.querySelector('#switch').checked") is True
    await popup.click("#switch")
    await until_rule(popup, "mode", "off")
    await popup.wait_for("document.querySelector('#modes').hidden")
    await popup.click("#switch")
    await until_rule(popup, "mode", "cloak")
    await popup.wait_for("!document.querySelector('#modes').hidden")
    await popup.click("input[name=modes][value=block]")
    await until_rule(popup, "mode", "block")
    await popup.close()
    await page.close()


async def test_a_site_that_is_blocked_gets_no_photo_and_the_popup_says_so(stage: Stage) -> None:
    await set_rule(stage.browser, HOST, mode="block")
    page, run = await pick_one(stage)
    popup = await open_popup(stage.browser, run)
    await keeps(popup, "kept.last?.outcome === 'blocked'", "session")
    assert stage.site.runs[run].bodies == []
    await popup.close()
    popup = await open_popup(stage.browser, run)
    await popup.wait_for("document.querySelector('#last').textContent.includes('blocked')")
    await popup.close()
    await page.close()


async def test_a_site_that_is_set_to_ask_asks_before_anything_is_sent(stage: Stage) -> None:
    await set_rule(stage.browser, HOST, mode="ask")
    # With no daemon at all there is nothing that it could have been sent to.
    await stage.daemon.kill()
    page, run = await pick_one(stage)
    window = await stage.browser.hold_window(HOLD_SECONDS)
    await window.wait_for("document.querySelector('article img')?.naturalWidth")
    assert stage.site.runs[run].bodies == []
    await stage.daemon.start()
    await stage.daemon.ready()
    await window.click("input[name=remember]")
    await choose(window, "cloak")
    await stage.site.wait(run, 1, 120)
    assert problems(ATTACHED, stage.site.runs[run], [stage.uploads["jpeg"]]) == []
    await stage.browser.hold_window_gone()
    popup = await open_popup(stage.browser, run)
    await until_rule(popup, "mode", "cloak")
    await popup.close()
    await page.close()


async def test_this_time_only_is_over_after_one_upload(stage: Stage) -> None:
    page, run = await stage.visit(ATTACHED)
    popup = await open_popup(stage.browser, run)
    await popup.click("#once summary")
    await popup.click("#once button[name=off]")
    await popup.wait_for("document.querySelector('#once button[name=undo]')?.name")
    await popup.close()
    other = await stage.upload(ATTACHED)
    assert not arrived_original(other, [stage.uploads["jpeg"]]), "another tab"
    await stage.act(ATTACHED, page)
    await stage.site.wait(run, 1, 60)
    assert arrived_original(stage.site.runs[run], [stage.uploads["jpeg"]])
    popup = await open_popup(stage.browser, run)
    assert await stored(popup, "once", "session") == {}
    await popup.close()
    stage.site.runs[run].parts.clear()
    stage.site.runs[run].bodies.clear()
    # Anew in the same tab, and another file: Firefox's automation tells of one chooser an input, and no browser tells a page
    # of a file that is picked again.
    await page.evaluate("void setTimeout(() => location.reload(), 100)")
    await asyncio.sleep(1)
    await page.wait_for("document.readyState === 'complete' && document.querySelector('#f')?.id")
    again = Path("attached", ("png",))
    await stage.act(again, page)
    await stage.site.wait(run, 1, 120)
    assert problems(again, stage.site.runs[run], [stage.uploads["png"]]) == []
    await page.close()


async def test_what_cannot_be_cloaked_is_asked_about_once_and_remembered(stage: Stage) -> None:
    stage.uploads["animation"] = animation(stage.uploads["jpeg"].path.parent / "cat.gif")
    page, run = await stage.visit(ATTACHED)
    await page.pick([stage.uploads["animation"].path])
    window = await stage.browser.hold_window(HOLD_SECONDS)
    await window.wait_for("document.querySelector('input[name=remember]')?.name")
    await window.click("input[name=remember]")
    assert await window.evaluate("document.querySelector('button[name=retry]').disabled") is True
    await choose(window, "original")
    await stage.site.wait(run, 1, 60)
    await stage.browser.hold_window_gone()
    popup = await open_popup(stage.browser, run)
    await until_rule(popup, "media", "original")
    await popup.close()
    await page.close()
    page, run = await stage.visit(ATTACHED)
    await page.pick([stage.uploads["animation"].path])
    await stage.site.wait(run, 1, 60)
    assert stage.site.runs[run].parts[0].data == stage.uploads["animation"].data
    await page.close()


async def test_a_permission_that_is_gone_is_said(stage: Stage) -> None:
    await set_rule(stage.browser, "revoked.example", mode="cloak")
    page, run = await stage.visit(ATTACHED)
    popup = await open_popup(stage.browser, run)
    await popup.wait_for("!document.querySelector('#missing').hidden")
    assert "revoked.example" in await popup.evaluate("document.querySelector('#missing-words').textContent")
    await badge_is(popup, "!")
    await popup.click("#missing-off")
    await popup.wait_for("document.querySelector('#missing').hidden")
    await badge_is(popup, "")
    await popup.close()
    await page.close()
    await tell(stage.browser, {"type": "set-site", "host": "revoked.example", "rule": None})


async def test_history_is_kept_only_if_it_is_wanted(stage: Stage) -> None:
    await stage.upload(ATTACHED)
    options = await stage.browser.open_extension("options/options.html")
    assert not (await stored(options, "history") or {}).get("entries")
    await options.click("#history")
    await options.wait_for("document.querySelector('#history').checked")
    await keeps(options, "kept.history?.on")
    await stage.upload(ATTACHED)
    await options.wait_for("document.querySelectorAll('#entries li').length === 1")
    (entry,) = (await stored(options, "history"))["entries"]
    assert sorted(entry) == ["host", "outcome", "photos", "seconds", "when"]
    await options.click("#erase")
    await options.wait_for("document.querySelectorAll('#entries li').length === 0")
    await options.click("#history")
    await keeps(options, "!kept.history.on")
    await options.close()


# Firefox tells its driver nothing of a chooser that a page of an extension opens.
@pytest.mark.parametrize("stage", ["chromium"], indirect=True)
async def test_rules_that_are_no_rules_are_not_taken(stage: Stage, tmp_path: FilePath) -> None:
    wrong = tmp_path / "rules.json"
    wrong.write_text(json.dumps({"schema": 2, "default": {"mode": "off"}, "sites": {"a.example": {"mode": "perhaps"}}}))
    options = await stage.browser.open_extension("options/options.html")
    # What the daemon tells moves what is below it.
    await options.wait_for("document.querySelector('#models').children.length")
    before = await stored(options, "policy")
    place = "(() => { const node = document.querySelector('#import'); node.scrollIntoView({ block: 'center' });"
    place += " const box = node.getBoundingClientRect(); return [box.x + 10, box.y + 10]; })()"
    x, y = await options.evaluate(place)
    await options.pick([wrong], (round(x), round(y)))
    said = await options.wait_for("document.querySelector('#rules-answer').textContent")
    assert 'policy.sites["a.example"].mode: not one of off, ask, cloak, block' in said
    assert await stored(options, "policy") == before
    await options.close()


async def test_onboarding_ends_with_a_photo_cloaked(stage: Stage) -> None:
    await tell(stage.browser, {"type": "set-default", "rule": {"protectors": QUICKEST}})
    page = await stage.browser.open_extension("onboarding/onboarding.html")
    await page.wait_for("document.querySelector('#mood').classList.contains('good')")
    await page.click("#test")
    await page.wait_for("document.querySelectorAll('#tested .pictures img').length === 2", 120)
    assert await page.evaluate("document.querySelector('#test-answer').textContent")
    read = await page.evaluate("document.querySelector('#tested li').textContent")
    assert read.startswith("Scene")
    await page.close()
