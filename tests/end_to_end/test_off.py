"""On a site that is off the extension is not there: the page's own trace is that of a browser without it."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.end_to_end.browser import BUTTON, TARGET, Browser
from tests.end_to_end.photos import Upload
from tests.end_to_end.site import Site
from tests.end_to_end.stage import Stage, new_browser

pytestmark = pytest.mark.asyncio(loop_scope="session")

INPUT = (300, 60)
HEARD = {"input", "change", "dragenter", "dragover", "drop", "paste", "submit", "click", "invalid", "keydown"}


async def trace(browser: Browser, site: Site, uploads: Mapping[str, Upload], *, protected: bool) -> list[Any]:
    """Return what a page hears and finds while a person submits too early, picks, drops, pastes and submits."""
    page = await browser.open(site.url("trace", "trace", protected=protected))
    try:
        await page.click_at(BUTTON)
        await page.pick([uploads["jpeg"].path], INPUT)
        # Where the site is on, the page hears of it only later.
        await page.wait_for("document.querySelector('input').files.length")
        await page.click_at(BUTTON)
        await page.drop([uploads["jpeg"].path, uploads["pdf"].path])
        await page.wait_for("trace.some(({ type }) => type === 'drop')")
        await page.click_at(TARGET)
        await page.paste(uploads["png"].path)
        await page.wait_for("trace.some(({ type }) => type === 'paste')")
        # Whatever else might be heard would be by now.
        await asyncio.sleep(0.5)
        whole: list[Any] = json.loads(await page.evaluate("whole()"))
        return whole
    finally:
        await page.close()


async def test_nobody_was_there(stage: Stage) -> None:
    async with new_browser(stage.browser.name, extension=None) as bare:
        without = await trace(bare, stage.site, stage.uploads, protected=False)
    off = await trace(stage.browser, stage.site, stage.uploads, protected=False)
    events, surroundings = without
    assert off[0] == events
    assert off[1] == surroundings
    # The trace is one that would have told: everything was heard, originals and all, and where the site is on it differs.
    assert {event["type"] for event in events} >= HEARD
    on = await trace(stage.browser, stage.site, stage.uploads, protected=True)
    assert on[0] != events
    assert on[1] != surroundings
