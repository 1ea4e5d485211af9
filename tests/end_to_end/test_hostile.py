"""Hostile pages, in both browsers, each with what it sees without the extension."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.end_to_end.hostile import CASES, Case, run
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.stamping_daemon import StampingDaemon

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """With a daemon that stamps: what a page gets hold of does not depend on what is done to a photo."""
    async with open_stage(request.param, daemon_type=StampingDaemon) as opened:
        yield opened


TRIED = [(browser, case) for browser in ("chromium", "firefox") for case in CASES if browser in case.browsers]


# Without a scope, an argument of each test's own beside it would make the stage each test's own as well.
@pytest.mark.parametrize(("stage", "case"), TRIED, indirect=["stage"], ids=str, scope="module")
async def test_a_hostile_page_gets_nowhere(stage: Stage, case: Case) -> None:
    assert await run(stage, case)
