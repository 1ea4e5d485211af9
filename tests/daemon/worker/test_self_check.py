"""A worker is ready once it has cloaked a small photo for a site's channel, and not because its models load."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.front.readiness import WorkerLostError
from daemon.front.supervisor import COULD_NOT_CLOAK, Supervisor
from daemon.wire.worker_settings import WorkerSettings
from daemon.worker import self_check
from protectors.channel import sites
from protectors.cloak import Cloakroom
from tests.daemon.front.every_backend import until
from tests.daemon.odd_workers import cannot_cloak


@pytest.fixture(scope="module")
def room() -> Cloakroom:
    return Cloakroom("cpu")


@pytest.fixture
def forgotten_sites() -> Iterator[None]:
    """The table is read anew, before and after."""
    for kept in (sites._channels, sites.pipelines):
        kept.cache_clear()
    yield
    for kept in (sites._channels, sites.pipelines):
        kept.cache_clear()


def test_a_whole_installation_passes(room: Cloakroom) -> None:
    self_check.check(room)


@pytest.mark.usefixtures("forgotten_sites")
def test_one_that_lacks_a_file_does_not(room: Cloakroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found in the wild: models loaded, every photo for a known site failed, and all said "ready"."""
    monkeypatch.setattr(sites, "TABLE", tmp_path / "sites.json")
    with pytest.raises(FileNotFoundError):
        self_check.check(room)


async def test_a_worker_that_does_not_pass_is_never_ready() -> None:
    supervisor = Supervisor(WorkerSettings(), None, cannot_cloak)
    supervisor.start()
    try:
        async with asyncio.timeout(60):
            with pytest.raises(WorkerLostError):
                await supervisor.started()
        await until(lambda: supervisor.end_reason == COULD_NOT_CLOAK)
        assert supervisor.state != "ready"
    finally:
        await supervisor.stop()
