"""The limit on a photo's seconds reaches the workers of a cluster. Ray's own part is played by stand-ins."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import parser
from daemon.cluster import launching, ray_album
from daemon.cluster.photos import AlbumOrder, Photographer
from daemon.commands import cluster
from daemon.commands.serve import backend_of
from daemon.state.settings import read
from daemon.wire.protocol import PolicyRequest
from daemon.wire.worker_settings import WorkerSettings
from protectors.cloak import Cloakroom

POLICY = PolicyRequest(protectors=("scene",), strength="balanced", sensitive=())


@pytest.mark.parametrize(("seconds", "limit"), [("any", ()), ("7", ("--seconds", "7.0"))])
def test_the_daemons_own_cluster_is_started_with_its_limit(
    seconds: str, limit: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    monkeypatch.setattr(launching, "LocalCluster", lambda state, *more: given.extend(more))
    backend_of(parser().parse_args(["serve", "--backend", "ray"]), tmp_path, read({"seconds": seconds}).values)
    assert tuple(given[given.index("--threads") + 2 :]) == limit


def test_a_clusters_workers_are_started_with_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed: list[WorkerSettings] = []

    @contextlib.contextmanager
    def serving(*_: Any) -> Iterator[tuple[None, int]]:
        yield None, 1

    def deploy(ray: None, token: str, settings: WorkerSettings, workers: int | None) -> None:
        deployed.append(settings)
        # As from a person who ends the command.
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(cluster, "serving", serving)
    monkeypatch.setattr(cluster, "deploy", deploy)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert cluster.run(parser().parse_args(["cluster", "--seconds", "7", "--state", str(tmp_path)])) == 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert [settings.seconds for settings in deployed] == [7.0]


def test_an_albums_photographers_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float | None] = []

    def limited_to(self: Cloakroom, seconds: float | None) -> Cloakroom:
        limits.append(seconds)
        return self

    @contextlib.contextmanager
    def joined(*_: Any) -> Iterator[Any]:
        class Ray:
            def cluster_resources(self) -> dict[str, float]:
                return {"CPU": 1.0}

        yield Ray()

    monkeypatch.setattr(Cloakroom, "limited_to", limited_to)
    monkeypatch.setattr(ray_album, "joined", joined)
    asked: list[AlbumOrder] = []
    monkeypatch.setattr(ray_album, "ClusterCloaker", lambda ray, order, crew: asked.append(order))
    with ray_album.cluster_cloaker("local", POLICY, None, tmp_path, ray_album.Means(1, 1, 0, 7.0)):
        Photographer(asked[0])
    assert limits == [7.0]
