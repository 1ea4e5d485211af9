"""Every host of the extension's table, by its real name over TLS: switched on as a person does, and posted to."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.end_to_end.browser import EXTENSION
from tests.end_to_end.paths import Path
from tests.end_to_end.site import OFF_HOST
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.stamping_daemon import StampingDaemon, is_stamped
from tests.end_to_end.verdict import arrived_original

pytestmark = pytest.mark.asyncio(loop_scope="session")

SITES = json.loads((EXTENSION / "sites.json").read_text(encoding="utf-8"))["sites"]
HOSTS = tuple(host for site in SITES for host in site["hosts"])
SECONDS = 30.0
ATTACHED = Path("attached")


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["chromium", "firefox"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with open_stage(request.param, daemon_type=StampingDaemon, hosts=HOSTS) as opened:
        yield opened


async def test_a_photo_for_every_host_of_the_table_is_cloaked(stage: Stage) -> None:
    tab, wrong = None, []
    for host in HOSTS:
        tab, run = await stage.visit(ATTACHED, host=host, tab=tab)
        await stage.act(ATTACHED, tab)
        received = await stage.site.wait(run, 1, SECONDS)
        if [is_stamped(part.data) for part in received.parts] != [True] or arrived_original(received, [stage.uploads["jpeg"]]):
            wrong.append(host)
    assert tab
    await tab.close()
    assert wrong == []


async def test_a_host_by_its_absolute_name_gets_no_original(stage: Stage) -> None:
    """A dot at the end of a host leads to the same site, and has the same rule."""
    page, run = await stage.visit(ATTACHED, host=f"{HOSTS[0]}.")
    await stage.act(ATTACHED, page)
    received = await stage.site.wait(run, 1, SECONDS)
    assert [is_stamped(part.data) for part in received.parts] == [True]
    assert not arrived_original(received, [stage.uploads["jpeg"]])
    await page.close()


async def test_a_host_that_is_not_on_is_left_alone(stage: Stage) -> None:
    """Or the test above would tell nothing."""
    page, run = await stage.visit(ATTACHED, host=OFF_HOST)
    await stage.act(ATTACHED, page)
    assert arrived_original(await stage.site.wait(run, 1, SECONDS), [stage.uploads["jpeg"]])
    await page.close()
