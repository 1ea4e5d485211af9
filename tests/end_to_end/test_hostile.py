"""Hostile pages, in both browsers, each with what it sees without the extension."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.end_to_end.hostile import Case, closed_in, open_in, run
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.stamping_daemon import StampingDaemon

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A stage with a stamping daemon: what a page gets hold of does not depend on what is done to a photo."""
    async with open_stage(request.param, daemon_type=StampingDaemon) as opened:
        yield opened


# One function a browser: an argument of pairs of a browser and a case would begin another browser for every case.
@pytest.mark.parametrize("case", closed_in("chromium"), ids=str)
@pytest.mark.parametrize("stage", ["chromium"], indirect=True)
async def test_a_hostile_page_gets_nowhere_in_chromium(stage: Stage, case: Case) -> None:
    assert await run(stage, case)


@pytest.mark.parametrize("case", closed_in("firefox"), ids=str)
@pytest.mark.parametrize("stage", ["firefox"], indirect=True)
async def test_a_hostile_page_gets_nowhere_in_firefox(stage: Stage, case: Case) -> None:
    assert await run(stage, case)


# Chromium shows nothing of a file but its type, and that is told only until its cloaked photo was handed out.
@pytest.mark.parametrize("case", open_in("chromium"), ids=str)
@pytest.mark.parametrize("stage", ["chromium"], indirect=True)
async def test_the_last_line_does_not_know_what_is_open_in_chromium(stage: Stage, case: Case) -> None:
    assert not await run(stage, case)


@pytest.mark.parametrize("case", open_in("firefox"), ids=str)
@pytest.mark.parametrize("stage", ["firefox"], indirect=True)
async def test_the_last_line_stops_what_is_open_in_firefox(stage: Stage, case: Case) -> None:
    assert await run(stage, case)
