"""The protocol's own tests once more, with Ray Serve in the worker process' place: a real local cluster, real HTTP.

Its replicas run the very same stand-ins for the worker. What needs the worker's process id is left out: with a cluster
there is none on this machine.
"""

import asyncio
import itertools
import json
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from daemon.cluster.launching import Remote
from daemon.cluster.pipe_over_http import PhotoRequest, messages, pack
from daemon.cluster.serve_backend import ServeBackend
from daemon.cluster.serving import Listening, deploy, serving
from daemon.front.jobs import QueueSettings
from daemon.front.readiness import WorkerLostError
from daemon.front.server import Server, ServerSettings
from daemon.front.watch import Watch
from daemon.front.worker_process import EntryPoint
from daemon.wire.pipe import Failed, Ready
from daemon.wire.worker_settings import WorkerSettings
from tests.daemon import odd_workers
from tests.daemon.cluster.test_cluster import needs_ray
from tests.daemon.conftest import ELSEWHERE, POLICY, StartServer, cloakroom, local_client
from tests.daemon.front.every_backend import PHOTO, EveryBackend, job, until, until_running
from tests.daemon.samples import astronaut, opened, saved

# Ray warns of what is its own: deprecated settings, sockets and files that it leaves to the end of the process.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.xdist_group("ray"), pytest.mark.timeout(600), needs_ray]

TOKEN = "0123456789abcdef" * 4
_routes = itertools.count()


@dataclass(frozen=True)
class Box:
    """A machine that cloaks for others."""

    ray: Any
    port: int

    def deploy(self, entry: EntryPoint, models: Path, watch: Watch | None = None) -> tuple[str, str]:
        """One more of what cloaks; its name and its address."""
        name = f"odd-{next(_routes)}"
        settings = WorkerSettings(model_folder=models, threads=1)
        deploy(self.ray, TOKEN, settings, workers=1, watch=watch, entry=entry, name=name, route=f"/{name}")
        return name, f"http://127.0.0.1:{self.port}/{name}/"


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    # Ray's workers find the odd workers where these tests do.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
    with serving("local", Listening(), 4) as (ray, port):
        yield Box(ray, port)


def token_file(folder: Path) -> Path:
    path = folder / "cluster.token"
    path.write_text(TOKEN)
    return path


@pytest.fixture
async def start_server(tmp_path: Path, box: Box) -> AsyncIterator[StartServer]:
    """As conftest's: a server in this process, but with a cluster behind it."""
    from ray import serve

    async with AsyncExitStack() as stack:

        async def start(entry: EntryPoint, queue: QueueSettings | None = None, watch: Watch | None = None) -> Server:
            models = tmp_path / "models"
            models.mkdir(exist_ok=True)
            name, address = await asyncio.to_thread(box.deploy, entry, models, watch)
            stack.push_async_callback(asyncio.to_thread, serve.delete, name)
            backend = ServeBackend(Remote(address, token_file(tmp_path)))
            server = Server(
                ServerSettings(
                    state=tmp_path / "state",
                    port=0,
                    queue=queue or QueueSettings(),
                    backend=backend,
                    entry=odd_workers.stillborn,
                )
            )
            await server.start()
            stack.push_async_callback(server.stop)
            return server

        yield start


class TestServe(EveryBackend):
    """All of them, before a cluster."""


async def test_a_cancel_reaches_the_worker_behind_the_cluster(start_server: StartServer, tmp_path: Path) -> None:
    """A cancelled job ends within a step, and the next photo is taken."""
    server = await start_server(odd_workers.slow)
    async with await local_client(server) as client:
        first = asyncio.ensure_future(client.protect(PHOTO, POLICY, job=job(1)))
        await until_running(server)
        await asyncio.sleep(0.3)
        await client.cancel(job(1))
        with pytest.raises(Exception, match="cancelled"):
            await first
        await until(lambda: not server.queue.running)
        (tmp_path / "models" / "go").touch()
        assert (await asyncio.wait_for(client.protect(PHOTO, POLICY), 30)).data == PHOTO
    assert server.backend.restarts == 0


async def test_a_worker_that_dies_once_behind_the_cluster_is_tried_again(start_server: StartServer) -> None:
    server = await start_server(odd_workers.dies_once)
    async with await local_client(server) as client:
        protected = await asyncio.wait_for(client.protect(PHOTO, POLICY), 60)
    assert protected.data == PHOTO
    assert server.backend.restarts == 1


async def test_a_replica_that_is_killed_costs_no_job(start_server: StartServer, tmp_path: Path) -> None:
    server = await start_server(odd_workers.slow)
    async with await local_client(server) as client:
        running = asyncio.ensure_future(client.protect(PHOTO, POLICY))
        await until_running(server)
        await asyncio.sleep(0.3)
        replicas = [
            replica for replica in psutil.Process().children(recursive=True) if "Replica:" in " ".join(replica.cmdline())
        ]
        assert replicas
        for replica in replicas:
            replica.kill()
        (tmp_path / "models" / "go").touch()
        assert (await asyncio.wait_for(running, 120)).data == PHOTO
    assert server.backend.restarts >= 1


async def test_status_and_welcome_say_what_the_cluster_has(start_server: StartServer) -> None:
    server = await start_server(odd_workers.echo)
    await server.backend.started()
    async with await local_client(server) as client:
        assert client.welcome.protectors == odd_workers.READY.protectors
        state = await client.status()
        assert (state.worker, state.device, state.worker_rss) == ("ready", "cpu", 0)


async def test_nobody_without_the_token_is_answered(box: Box, tmp_path: Path) -> None:
    """Nor is what is no request, with it."""
    _, address = await asyncio.to_thread(box.deploy, odd_workers.echo, tmp_path)
    request = pack(PhotoRequest(POLICY, None)) + PHOTO
    async with aiohttp.ClientSession() as session:
        for given in (None, "Bearer ", f"Bearer {'0' * 64}", f"Basic {TOKEN}", TOKEN):
            headers = {} if given is None else {"Authorization": given}
            for method, body in (("GET", None), ("POST", request)):
                async with session.request(method, address, data=body, headers=headers) as answer:
                    assert (answer.status, await answer.read()) == (403, b"")
        for nonsense in (b"", b"\0", b"\xff" * 100, b"\0\0\0\2{}" + PHOTO):
            async with session.post(address, data=nonsense, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
                assert (answer.status, await answer.read()) == (403, b"")
        async with session.get(address, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            said, _ = await anext(messages(answer.content.readexactly))
            assert isinstance(said, Ready)
    wrong = tmp_path / "wrong"
    wrong.write_text("0" * 64)
    backend = ServeBackend(Remote(address, wrong))
    backend.start()
    try:
        with pytest.raises(WorkerLostError):
            await asyncio.wait_for(backend.started(), 30)
    finally:
        await backend.stop()


async def test_who_waits_for_another_daemons_photo_hears_that_it_is_waited_for(box: Box, tmp_path: Path) -> None:
    """One replica, two daemons: the second hears beats and then its own end, and no silence that it would take for a death."""
    _, address = await asyncio.to_thread(box.deploy, odd_workers.slow, tmp_path)
    backends = [ServeBackend(Remote(address, token_file(tmp_path)), silence=2.5) for _ in range(2)]
    for backend in backends:
        backend.start()
    try:
        steps: list[Any] = []
        first = asyncio.ensure_future(backends[0].run("same name", POLICY, None, PHOTO, steps.append))
        await until(lambda: bool(steps))
        second = asyncio.ensure_future(backends[1].run("same name", POLICY, None, PHOTO + b"2", lambda _: None))
        await asyncio.sleep(4)
        assert not first.done()
        assert not second.done()
        backends[0].give_up("same name")
        ended, _ = await asyncio.wait_for(first, 10)
        assert isinstance(ended, Failed)
        assert not second.done(), "the name is each daemon's own"
        (tmp_path / "go").touch()
        _, body = await asyncio.wait_for(second, 30)
        assert body == PHOTO + b"2"
    finally:
        for backend in backends:
            await backend.stop()


# As a person runs it, with real models.


@contextmanager
def process(*arguments: str | Path, state: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """A command that goes on; what it said first, and its process id. It is ended in the end, if it has not been."""
    command = [sys.executable, "-m", "daemon.cli", *map(str, arguments), "--json", "--state", str(state)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ELSEWHERE)
    assert started.stdout is not None
    try:
        yield json.loads(started.stdout.readline()), started.pid
    finally:
        started.terminate()
        started.wait(120)
        started.stdout.close()


def certificate(folder: Path) -> tuple[Path, Path]:
    """One that a household makes itself, for this machine's own address."""
    replica, key = folder / "box.pem", folder / "box.key"
    what = [
        "-subj",
        "/CN=box",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-days",
        "2",
        "-keyout",
        str(key),
        "-out",
        str(replica),
    ]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *curve, *what], check=True, capture_output=True)
    return replica, key


def test_a_household_with_one_box_over_tls(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(saved(astronaut(), "PNG"))
    replica, key = certificate(tmp_path)
    box, home = tmp_path / "box", tmp_path / "home"
    with process("cluster", "--listen", "127.0.0.1:0", "--certificate", replica, "--key", key, "--workers", "1", state=box) as (
        told,
        _,
    ):
        assert told["address"].startswith("https://127.0.0.1:")
        token = box / "cluster.token"
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        there = ["serve", "--port", "0", "--backend", "ray", "--backend-address", told["address"], "--backend-token", token]
        asked: list[str | Path] = ["protect", photo, "--protector", "scene", "--keep-unprotected", "--json"]
        with process(*there, "--backend-ca", replica, state=home) as (_, pid):
            finished = cloakroom(*asked, "-o", tmp_path / "out", state=home)
            assert finished.returncode == 0, finished.stderr + finished.stdout
            loaded = Path(f"/proc/{pid}/maps").read_text()
            assert not [name for name in ("/torch/", "/ray/", "/numpy/", "/PIL/") if name in loaded], "the front stays light"
        assert opened((tmp_path / "out" / "a.png").read_bytes()).size == opened(photo.read_bytes()).size
        assert (tmp_path / "out" / "a.png").read_bytes() != photo.read_bytes()
        # And a box whose certificate nobody vouches for gets no photo.
        with process(*there, state=home):
            finished = cloakroom(*asked, "-o", tmp_path / "none", state=home)
        assert json.loads(finished.stdout)["files"][0]["error"]["code"] == "worker-died"


def test_a_cluster_of_the_daemons_own_ends_with_it_however_that_ends(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(saved(astronaut(), "PNG"))
    with process("serve", "--port", "0", "--backend", "ray", state=tmp_path / "state") as (_, pid):
        asked: list[str | Path] = ["protect", photo, "--protector", "scene", "--keep-unprotected", "-o", tmp_path / "out"]
        finished = cloakroom(*asked, state=tmp_path / "state")
        assert finished.returncode == 0, finished.stderr
        family = psutil.Process(pid).children(recursive=True)
        assert len(family) > 3
        psutil.Process(pid).kill()
        _, alive = psutil.wait_procs(family, 60)
        assert alive == []
