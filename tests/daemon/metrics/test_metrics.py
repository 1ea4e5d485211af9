"""The daemon's metrics, and who may read them."""

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.client import DaemonClient, NoDaemonError
from daemon.commands.serve import settings_of
from daemon.front.jobs import QueueSettings
from daemon.front.metrics_endpoint import TokenDoor
from daemon.front.pairing import LOCAL_CLIENT
from daemon.front.server import Server, ServerSettings
from daemon.metrics.counts import OUTCOMES, REASONS, STAGES, Metrics
from daemon.metrics.places import metrics_socket, metrics_token
from daemon.metrics.reader import NoMetricsError, read_metrics, samples
from daemon.state.folder import LocalAccess, write_local
from daemon.state.settings import read
from daemon.wire.errors import CloakroomError
from daemon.wire.handshake import Credential
from daemon.wire.protocol import LOCAL_ORIGIN
from daemon.wire.worker_settings import WorkerSettings
from daemon.worker.device_memory import DeviceMemory
from tests.daemon import odd_workers
from tests.daemon.conftest import ELSEWHERE, POLICY, RunningDaemon, StartServer, cloakroom, local_client
from tests.daemon.front.every_backend import PHOTO, until
from tests.daemon.raw_clients import answer, upgrade

Numbers = dict[tuple[str, ...], float]


async def numbers(server: Server) -> Numbers:
    """Return the socket's metrics, by name and labels' values."""
    text = await asyncio.to_thread(read_metrics, server.settings.state)
    return {sample.key: sample.value for sample in samples(text)}


def scrape(port: int, token: str | None, method: str = "GET", path: str = "/metrics", **changed: str | None) -> bytes:
    """A collector's request, with some headers changed."""
    headers: dict[str, str | None] = {
        "Host": f"127.0.0.1:{port}",
        "Accept": "text/plain",
        "Authorization": f"Bearer {token}" if token else None,
    }
    headers.update({name.replace("_", "-"): value for name, value in changed.items()})
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items() if value is not None)]
    return "\r\n".join([*lines, "", ""]).encode()


async def test_a_job_is_counted_with_its_wait_and_its_stages(start_server: StartServer) -> None:
    server = await start_server(odd_workers.timed)
    async with await local_client(server) as client:
        await client.protect(PHOTO, POLICY)
        told = await numbers(server)
        assert told["cloakroom_sessions_open",] == 1
    assert told["cloakroom_jobs_total", "done"] == 1
    assert sum(value for (name, *_), value in told.items() if name == "cloakroom_jobs_total") == 1
    assert told["cloakroom_stage_seconds_count", "wait"] == 1
    # The worker says 0.2 s of decoding, 3 s of protecting, and something that is no time of judging.
    assert told["cloakroom_stage_seconds_sum", "decode"] == pytest.approx(0.2)
    assert told["cloakroom_stage_seconds_bucket", "0.1", "decode"] == 0
    assert told["cloakroom_stage_seconds_bucket", "0.25", "decode"] == 1
    assert told["cloakroom_stage_seconds_bucket", "2.5", "protect"] == 0
    assert told["cloakroom_stage_seconds_bucket", "+Inf", "protect"] == 1
    assert told["cloakroom_stage_seconds_count", "judge"] == 0
    assert told["cloakroom_front_resident_bytes",] > 1_000_000
    assert told["cloakroom_worker_resident_bytes",] > 1_000_000
    assert told["cloakroom_device_bytes",] == 123_456_789
    assert told["cloakroom_worker_ready",] == 1


async def test_what_waits_and_what_runs(start_server: StartServer, tmp_path: Path) -> None:
    server = await start_server(odd_workers.slow)
    async with await local_client(server) as client:
        jobs = [asyncio.ensure_future(client.protect(PHOTO, POLICY)) for _ in range(3)]
        await until(lambda: server.queue.queued == 2)
        told = await numbers(server)
        assert (told["cloakroom_queue_depth",], told["cloakroom_jobs_running",]) == (2, 1)
        (tmp_path / "models" / "go").touch()
        await asyncio.gather(*jobs)
        told = await numbers(server)
    assert (told["cloakroom_queue_depth",], told["cloakroom_jobs_running",]) == (0, 0)
    assert told["cloakroom_jobs_total", "done"] == 3


async def test_what_is_refused_is_counted_by_where_and_why(start_server: StartServer) -> None:
    server = await start_server(odd_workers.slow, QueueSettings(waiting=1))
    for request in (
        upgrade(server.port, Origin="https://social.example"),
        upgrade(server.port, Host="evil.example"),
        upgrade(server.port, path="/favicon.ico"),
        upgrade(server.port, path="/favicon.ico", Origin="https://social.example"),
    ):
        await asyncio.to_thread(answer, server.port, request)
    with pytest.raises(NoDaemonError):
        await DaemonClient.open(server.port, Credential(LOCAL_CLIENT, bytes(32)), origin=LOCAL_ORIGIN)
    async with await local_client(server) as client:
        running = asyncio.ensure_future(client.protect(PHOTO, POLICY))
        await until(lambda: bool(server.queue.running))
        waiting = asyncio.ensure_future(client.protect(PHOTO, POLICY))
        await until(lambda: server.queue.queued == 1)
        for photo in (PHOTO, b""):
            with pytest.raises(CloakroomError):
                await client.protect(photo, POLICY)
        told = await numbers(server)
        for job in (running, waiting):
            job.cancel()
    assert {labels: value for labels, value in told.items() if labels[0] == "cloakroom_rejections_total" and value} == {
        ("cloakroom_rejections_total", "door", "origin"): 2,
        ("cloakroom_rejections_total", "door", "host"): 1,
        ("cloakroom_rejections_total", "door", "request"): 1,
        ("cloakroom_rejections_total", "handshake", "proof"): 1,
        ("cloakroom_rejections_total", "job", "busy"): 1,
        ("cloakroom_rejections_total", "job", "empty"): 1,
    }


async def test_a_worker_that_is_replaced_is_counted(start_server: StartServer) -> None:
    server = await start_server(odd_workers.dies_once)
    async with await local_client(server) as client:
        assert (await numbers(server))["cloakroom_worker_restarts_total",] == 0
        await client.protect(PHOTO, POLICY)
        assert (await numbers(server))["cloakroom_worker_restarts_total",] == 1


async def test_nothing_that_anybody_says_becomes_a_label(start_server: StartServer) -> None:
    """Names, classes, origins and made-up stages that tell of a person do not reach the metrics."""
    telling = "anna-and-ben"
    server = await start_server(odd_workers.timed)
    await asyncio.to_thread(answer, server.port, upgrade(server.port, path=f"/{telling}", Origin=f"https://{telling}.example"))
    async with await local_client(server) as client:
        await client.protect(PHOTO, POLICY, name=f"{telling}.jpg", mime=f"image/{telling}", channel=telling)
    text = await asyncio.to_thread(read_metrics, server.settings.state)
    assert telling not in text
    assert client.credential is not None
    assert client.credential.key.hex() not in text
    known = {*OUTCOMES, *STAGES, *REASONS, *(reason for reasons in REASONS.values() for reason in reasons)}
    labels = {value for sample in samples(text) for name, value in sample.labels.items() if name != "le"}
    assert labels == known


def test_a_worker_cannot_make_nonsense_of_the_counts() -> None:
    metrics = Metrics()
    lies: tuple[object, ...] = (
        None,
        3,
        "decode",
        [],
        {"decode": "1"},
        {"decode": float("nan")},
        {"judge": -1.0},
        {"encode": float("inf")},
    )
    for nonsense in lies:
        metrics.worked(nonsense)
    assert all(spread.cumulative()[-1] == 0 for spread in metrics.stages.values())
    with pytest.raises(ValueError, match="outcome"):
        metrics.ended("anna.jpg")
    with pytest.raises(ValueError, match="reason"):
        metrics.refused("door", "https://social.example")


async def test_the_socket_is_this_users_alone_and_goes_with_the_daemon(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    # Of a daemon that was killed.
    metrics_socket(state).touch()
    server = Server(ServerSettings(state=state, port=0, worker=WorkerSettings(model_folder=tmp_path), entry=odd_workers.echo))
    await server.start()
    try:
        found = metrics_socket(state).stat()
        assert stat.S_ISSOCK(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert stat.S_IMODE(state.stat().st_mode) == 0o700
        assert (await numbers(server))["cloakroom_queue_depth",] == 0
    finally:
        await server.stop()
    assert not metrics_socket(state).exists()
    with pytest.raises(NoMetricsError, match="cloakroom serve"):
        read_metrics(state)


def test_the_token_opens_the_loopback_door(running_daemon: RunningDaemon) -> None:
    path = metrics_token(running_daemon.state)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    given = answer(running_daemon.port, scrape(running_daemon.port, path.read_text().strip()))
    assert given.startswith(b"HTTP/1.1 200 ")
    assert b"cloakroom_queue_depth 0.0\n" in given
    assert b"Cache-Control: no-store" in given
    assert b"access-control" not in given.lower()


@pytest.mark.parametrize(
    "changed",
    [
        {"Authorization": None},
        {"Authorization": f"Bearer {'0' * 64}"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer \xff"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "same-origin"},
        {"Cookie": "a=b"},
        {"Host": "evil.example"},
        {"Host": "localhost:1"},
    ],
    ids=str,
)
def test_without_the_token_or_from_a_page_it_is_the_usual_refusal(
    running_daemon: RunningDaemon, changed: dict[str, str | None]
) -> None:
    port, token = running_daemon.port, metrics_token(running_daemon.state).read_text().strip()
    refused = answer(port, scrape(port, token, "GET", "/metrics", **changed))
    assert refused.startswith(b"HTTP/1.1 403 ")
    assert refused == answer(port, upgrade(port, Origin="https://another.example"))


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/metrics"), ("OPTIONS", "/metrics"), ("GET", "/metrics?a"), ("GET", "/")]
)
def test_the_token_opens_nothing_else(running_daemon: RunningDaemon, method: str, path: str) -> None:
    port, token = running_daemon.port, metrics_token(running_daemon.state).read_text().strip()
    refused = answer(port, scrape(port, token, method, path))
    assert refused == answer(port, upgrade(port, Origin="https://another.example"))


def test_the_token_is_kept_unless_others_could_have_read_it(tmp_path: Path) -> None:
    TokenDoor(tmp_path)
    first = metrics_token(tmp_path).read_text()
    TokenDoor(tmp_path)
    assert metrics_token(tmp_path).read_text() == first
    metrics_token(tmp_path).chmod(0o640)
    TokenDoor(tmp_path)
    assert metrics_token(tmp_path).read_text() != first
    assert stat.S_IMODE(metrics_token(tmp_path).stat().st_mode) == 0o600


async def test_off_means_that_nobody_reads_them(tmp_path: Path) -> None:
    state = tmp_path / "state"
    settings = settings_of(state, read({"metrics": "false"}).values)
    assert settings.metrics is False
    server = Server(ServerSettings(state=state, port=0, entry=odd_workers.echo, metrics=settings.metrics))
    await server.start()
    try:
        assert not metrics_socket(state).exists()
        assert not metrics_token(state).exists()
        with pytest.raises(NoMetricsError, match="cloakroom settings"):
            await asyncio.to_thread(read_metrics, state)
        refused = await asyncio.to_thread(answer, server.port, scrape(server.port, "0" * 64))
        assert refused.startswith(b"HTTP/1.1 403 ")
    finally:
        await server.stop()


def test_status_prints_them(running_daemon: RunningDaemon) -> None:
    plain = cloakroom("status", "--metrics", state=running_daemon.state)
    assert plain.returncode == 0, plain.stderr
    assert "# TYPE cloakroom_stage_seconds histogram\n" in plain.stdout
    told = cloakroom("status", "--metrics", "--json", state=running_daemon.state)
    assert '{"name": "cloakroom_queue_depth", "labels": {}, "value": 0.0}' in told.stdout


def test_without_a_daemon_status_says_how_to_start_one(tmp_path: Path) -> None:
    finished = cloakroom("status", "--metrics", state=tmp_path)
    assert finished.returncode == 3
    assert "cloakroom serve" in finished.stderr
    # One that was killed leaves word of itself, and a socket that nobody listens on.
    write_local(tmp_path, LocalAccess(1, "local", "00" * 32, os.getpid()))
    metrics_socket(tmp_path).touch()
    finished = cloakroom("status", "--metrics", state=tmp_path)
    assert finished.returncode == 3
    assert "cloakroom doctor" in finished.stderr


def test_the_front_loads_prometheus_for_nobody() -> None:
    """Until somebody reads, it costs nothing."""
    program = "import sys, daemon.front.server, daemon.cli; print('prometheus_client' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ELSEWHERE, check=True).stdout
    assert found.strip() == "False"


def test_a_processor_has_no_memory_of_its_own_to_tell_of() -> None:
    memory = DeviceMemory()
    assert memory.bytes() is None
    memory.watch("cpu")
    assert memory.bytes() is None
