"""An album on a real local Ray cluster of two actors. What the actors do is real or odd, Ray is Ray."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from daemon.album.album import CloakedPhoto, FailedPhoto
from daemon.album.tree import Source, walk
from daemon.cluster.joining import ClusterError, check, check_machines, joined
from daemon.cluster.photos import AlbumOrder, Photographer
from daemon.cluster.ray_album import ClusterCloaker, Crew, crew_of
from daemon.commands.protect_album import STOPPED
from daemon.wire.pipe import Done
from daemon.wire.pipe import Failed as FailedJob
from daemon.wire.protocol import PolicyRequest
from daemon.worker.cloaking import Errand, cloak_file, seed_of
from protectors.cloak import Cloakroom
from protectors.progress import end_of
from tests.daemon.album.albums import files, photo
from tests.daemon.cluster.odd_actors import Odd
from tests.daemon.conftest import ELSEWHERE
from tests.daemon.samples import astronaut, opened, saved

has_ray = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not has_ray, reason="Ray is not installed: pip install 'cloakroom[cluster]'")
# Ray warns of what is its own: deprecated settings, sockets and files that it leaves to the end of the process.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.xdist_group("ray"), pytest.mark.timeout(600)]

POLICY = PolicyRequest(protectors=("scene",), strength="balanced", sensitive=())


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    with joined("local", 2) as connected:
        yield connected


@pytest.fixture
def asked(tmp_path: Path) -> AlbumOrder:
    models = tmp_path / "models"
    models.mkdir()
    return AlbumOrder(POLICY, None, "cpu", models, "embedded", 1, 7)


def sources(folder: Path, output: Path) -> list[Source]:
    output.mkdir(exist_ok=True)
    return [found for found in walk(folder, output) if isinstance(found, Source)]


def test_an_actor_cloaks_as_the_walk_does_and_names_what_it_cannot(asked: AlbumOrder) -> None:
    photographer, small = Photographer(asked), saved(astronaut(60, 40), "JPEG", quality=90)
    done, body = photographer.cloak(small)
    assert isinstance(done, Done)
    alone = end_of(cloak_file(Cloakroom("cpu", asked.model_folder), Errand(small, POLICY), asked.seed))
    assert (done.mime, body) == (alone.mime, alone.data)
    assert done.size == len(body)
    told, nothing = photographer.cloak(b"no photo")
    assert isinstance(told, FailedJob)
    assert (told.code, nothing) == ("not-an-image", b"")


async def ends(cloaker: ClusterCloaker, photos: list[Source]) -> dict[str, CloakedPhoto | FailedPhoto]:
    found = [ended async for ended in cloaker.cloak(photos)]
    assert len(found) == len(photos), "each once"
    return {os.fsencode(ended.source.relative).decode("latin-1"): ended for ended in found}


@needs_ray
async def test_every_photo_comes_back_whole_from_two_actors(ray: Any, asked: AlbumOrder, album: Path, tmp_path: Path) -> None:
    for index in range(12):
        photo(album / f"slow {index}.png")
    photo(album / os.fsdecode(b"caf\xe9 \xff.png"))
    photo(album / "damaged.png")
    photo(album / "gone.png")
    photos = sources(album, tmp_path / "out")
    (album / "gone.png").unlink()
    ended = await ends(ClusterCloaker(ray, asked, Crew(2, 0), Odd), photos)
    assert {name: result.code for name, result in ended.items() if isinstance(result, FailedPhoto)} == {
        "damaged.png": "truncated", "gone.png": "unreadable",
    }  # fmt: skip
    cloaked = [result for result in ended.values() if isinstance(result, CloakedPhoto)]
    assert len(cloaked) == 4 + 12 + 1
    assert all(result.data == result.source.path.read_bytes() + b"~\0\0" for result in cloaked)
    assert {result.report["seed"] for result in cloaked} == {7}
    assert len({result.report["pid"] for result in cloaked}) == 2


@needs_ray
async def test_an_actor_that_dies_costs_no_photo_and_one_that_kills_two_only_itself(
    ray: Any, asked: AlbumOrder, album: Path, tmp_path: Path
) -> None:
    for index in range(8):
        photo(album / f"slow {index}.png")
    photo(album / "a.png", "deadly once")
    photo(album / "b.png", "deadly always")
    ended = await ends(ClusterCloaker(ray, asked, Crew(2, 0), Odd), sources(album, tmp_path / "out"))
    assert {name: result.code for name, result in ended.items() if isinstance(result, FailedPhoto)} == {"b.png": "worker-died"}
    assert isinstance(ended["a.png"], CloakedPhoto)
    assert asked.model_folder is not None
    assert (asked.model_folder / "works").stat().st_size == 4 + 8 + 2 + 2, "that each was begun twice, and the others once"


@needs_ray
async def test_an_actor_that_is_killed_from_outside_costs_no_photo(
    ray: Any, asked: AlbumOrder, album: Path, tmp_path: Path
) -> None:
    for index in range(10):
        photo(album / f"slow {index}.png")
    photos = sources(album, tmp_path / "out")
    ended: list[CloakedPhoto | FailedPhoto] = []
    async for one in ClusterCloaker(ray, asked, Crew(2, 0), Odd).cloak(photos):
        if not ended:
            assert isinstance(one, CloakedPhoto)
            psutil.Process(one.report["pid"]).kill()
        ended.append(one)
    assert all(isinstance(result, CloakedPhoto) for result in ended)
    assert {result.source.relative for result in ended} == {result.relative for result in photos}


@needs_ray
def test_the_command_on_a_cluster_gives_the_same_bytes_as_on_this_machine_alone(tmp_path: Path) -> None:
    """Real models and real photos; the same seed and the same threads. A second run finds all of it done."""
    folder = tmp_path / "album"
    for index in range(3):
        photo(folder / f"{index}.png").write_bytes(saved(astronaut(96 + 16 * index, 64), "PNG"))
    photo(folder / "below" / "3.jpg").write_bytes(saved(astronaut(120, 80), "JPEG", quality=95))
    command = ["--protector", "scene", "--keep-unprotected", "--seed", "7", "--threads", "1", "--json"]
    outputs = {}
    for name, more in {"alone": ["--private"], "cluster": ["--cluster", "local", "--workers", "2"]}.items():
        output = tmp_path / name
        for _ in range(2):
            finished = protect(folder, output, tmp_path / "state", *command, *more)
            assert finished.returncode == 0, finished.stderr
            outputs[name] = files(output)
            if name == "alone":
                break
        assert set(outputs[name]) == {"0.png", "1.png", "2.png", "below/3.jpg"}
    assert '"earlier": 4' in finished.stdout
    assert outputs["alone"] == outputs["cluster"]
    assert outputs["alone"]["0.png"] != (folder / "0.png").read_bytes()


def protect(folder: Path, output: Path, state: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "daemon.cli", "protect", folder, "-r", "-o", output, "--state", state, *more]
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, cwd=ELSEWHERE, check=False, timeout=500
    )


@needs_ray
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_run_on_a_cluster_that_is_stopped_leaves_whole_photos_and_no_process(tmp_path: Path, number: signal.Signals) -> None:
    folder, output = tmp_path / "album", tmp_path / "out"
    for index in range(30):
        photo(folder / f"{index}.png").write_bytes(saved(astronaut(96 + index, 64), "PNG"))
    command = ["protect", folder, "-r", "-o", output, "--state", tmp_path / "state", "--protector", "scene", "--json"]
    command += ["--keep-unprotected", "--cluster", "local", "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "daemon.cli", *map(str, command)], cwd=ELSEWHERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_for(lambda: output.is_dir() and bool(files(output)))
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    said, complaints = process.communicate(timeout=120)
    assert process.returncode == STOPPED, complaints.decode()
    told = json.loads(said)
    assert told["complete"] is False
    assert 1 <= told["counts"]["kept"] + told["counts"]["protected"] == len(files(output)) < 30
    for name, data in files(output).items():
        assert opened(data).size == opened((folder / name).read_bytes()).size
    _, alive = psutil.wait_procs(family, 60)
    assert alive == []


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 300
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


@needs_ray
async def test_machines_with_other_models_are_refused(ray: Any, asked: AlbumOrder, album: Path, tmp_path: Path) -> None:
    """Last of those that share the cluster: it is left."""
    other = AlbumOrder(POLICY, None, "cpu", asked.model_folder, "full", 1, 7)
    with pytest.raises(ClusterError, match="models pull"):
        await ends(ClusterCloaker(ray, other, Crew(2, 0), Odd), sources(album, tmp_path / "out"))


def test_without_ray_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ClusterError, match=r"pip install 'ray"):
        check("local")


@pytest.mark.parametrize(
    ("address", "environment", "allowed"),
    [
        ("local", {}, True),
        ("auto", {}, False),
        ("auto", {"RAY_AUTH_MODE": "token"}, False),
        ("auto", {"RAY_AUTH_MODE": "token", "RAY_USE_TLS": "1"}, True),
        ("127.0.0.1:6379", {}, True),
        ("[::1]:6379", {}, True),
        ("box.lan:6379", {}, False),
        ("ray://box.lan:10001", {}, False),
        ("127.0.0.1.evil.example:6379", {}, False),
        ("box.lan:6379", {"RAY_AUTH_MODE": "token"}, False),
        ("box.lan:6379", {"RAY_USE_TLS": "1"}, False),
        ("box.lan:6379", {"RAY_AUTH_MODE": "token", "RAY_USE_TLS": "1"}, True),
    ],
)
def test_photos_go_to_another_machine_only_with_a_token_and_tls(
    monkeypatch: pytest.MonkeyPatch, address: str, environment: dict[str, str], allowed: bool
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    for name in ("RAY_AUTH_MODE", "RAY_USE_TLS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if allowed:
        check(address)
    else:
        with pytest.raises(ClusterError, match="RAY_USE_TLS"):
            check(address)


def test_a_cluster_on_the_loopback_may_have_other_machines_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_USE_TLS"):
        monkeypatch.delenv(name, raising=False)
    result = [
        result.address
        for addresses in psutil.net_if_addrs().values()
        for result in addresses
        if result.family == socket.AF_INET
    ]
    check_machines(["127.0.0.1", *result])
    with pytest.raises(ClusterError, match="RAY_USE_TLS"):
        check_machines(["127.0.0.1", "192.0.2.7"])
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_USE_TLS", "1")
    check_machines(["127.0.0.1", "192.0.2.7"])


@pytest.mark.parametrize(
    ("resources", "workers", "threads", "crew"),
    [
        ({"CPU": 8.0}, None, 2, Crew(4, 0)),
        ({"CPU": 1.0}, None, 4, Crew(1, 0)),
        ({"CPU": 8.0}, 3, 1, Crew(3, 0)),
        ({"CPU": 8.0, "GPU": 2.0}, None, 1, Crew(2, 1.0)),
        ({"CPU": 8.0, "GPU": 1.0}, 4, 1, Crew(4, 0.25)),
    ],
)
def test_there_are_as_many_actors_as_fit(resources: dict[str, float], workers: int | None, threads: int, crew: Crew) -> None:
    assert crew_of(resources, workers, threads) == crew


def test_a_photos_seed_is_its_own_whichever_actor_has_it_and_whatever_came_before() -> None:
    drawn = {seed_of(seed, data) for seed in (7, 8) for data in (b"one photo", b"another")}
    assert len(drawn) == 4
    assert all(0 <= seed < 2**63 for seed in drawn)
    assert seed_of(7, b"one photo") in drawn


def test_nothing_imports_ray_that_was_not_asked_for_it() -> None:
    program = "import sys, daemon.cli, daemon.front.server, daemon.cluster.ray_album; print('ray' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ELSEWHERE, check=True).stdout
    assert found.strip() == "False"
