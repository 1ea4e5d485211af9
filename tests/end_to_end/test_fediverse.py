"""Servers of the fediverse are in no list: one is recognised when a person switches it on."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.end_to_end.paths import PATHS
from tests.end_to_end.stage import Stage, keeps, open_popup, open_stage, tell
from tests.end_to_end.stamping_daemon import StampingDaemon

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOST = "pictures.example"


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["chromium", "firefox"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with open_stage(request.param, daemon_type=StampingDaemon, hosts=(HOST,)) as opened:
        yield opened


@pytest.mark.parametrize(("software", "channel"), [("mastodon", "mastodon"), ("lemmy", "lemmy"), ("unheard-of", None)])
async def test_a_server_is_recognised_by_what_it_says_it_runs(stage: Stage, software: str, channel: str | None) -> None:
    stage.site.software = software
    await tell(stage.browser, {"type": "set-site", "host": HOST, "rule": {"mode": "off", "channel": None}})
    page, _ = await stage.visit(PATHS[0], host=HOST)
    popup = await open_popup(stage.browser, HOST)
    await popup.click("#switch")
    await keeps(popup, f"kept.policy.sites['{HOST}'].mode === 'cloak'")
    if channel:
        await keeps(popup, f"kept.policy.sites['{HOST}'].channel === '{channel}'")
    else:
        await asyncio.sleep(1)
        await keeps(popup, f"kept.policy.sites['{HOST}'].channel === null")
    await popup.close()
    await page.close()
