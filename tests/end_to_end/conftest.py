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
    """One process runs a browser's tests one after the other: changing between browsers would start each anew every time. Two
    browsers may run beside each other, each on a display of its own."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.xdist_group(browser_of(item) or "end to end"))
    items.sort(key=browser_of)


def browser_of(item: pytest.Item) -> str:
    """The browser that a test runs in; empty where it is in none, or in both."""
    if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        return str(item.callspec.params.get("stage", ""))
    return ""
