"""A person's whole way in both browsers, on a few hosts, with the tests' own libraries in place of a download.

The whole one, on every host and with everything downloaded: `python -m tests.end_to_end.journey`.
"""

import pytest

from tests.end_to_end.journey import travel
from tests.end_to_end.test_hosts import HOSTS

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_install_post_upgrade_post_and_uninstall() -> None:
    hosts = HOSTS[:2]
    figures = await travel(["chromium", "firefox"], hosts, share_libraries=True, record=False)
    for name, figure in figures.items():
        assert figure["hosts.cloaked"] == figure["upgraded.hosts.cloaked"] == len(hosts), name
        assert figure["hosts.originals"] == figure["upgraded.hosts.originals"] == 0, name
        assert figure["journey.left"] == 0, name
