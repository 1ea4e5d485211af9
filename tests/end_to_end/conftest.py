"""One daemon, one site and one browser for all tests of that browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.end_to_end.stage import Stage, open_stage

FOLDER = Path(__file__).parent


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=["chromium", "firefox"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Everything up and paired."""
    async with open_stage(request.param) as opened:
        yield opened


# Before the hook of xdist, which reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser after the other: changing between them would start each anew every time. All of them in one process, beside
    which the other processes run the other rooms' tests."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("end to end"))
    items.sort(
        key=lambda item: (
            str(item.callspec.params.get("stage", ""))
            if isinstance(item, pytest.Function) and hasattr(item, "callspec")
            else ""
        )
    )
