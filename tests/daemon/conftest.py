"""Daemons to talk to: one real one for the whole run, as a process, and short-lived ones with odd workers."""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon.client import DaemonClient
from daemon.front.jobs import QueueSettings
from daemon.front.server import Server, ServerSettings
from daemon.front.watch import Watch
from daemon.front.worker_process import EntryPoint
from daemon.wire.handshake import Credential
from daemon.wire.protocol import PolicyRequest
from daemon.wire.worker_settings import WorkerSettings
from tests.daemon import odd_workers
from tests.daemon.album.albums import photo

ELSEWHERE = Path(tempfile.mkdtemp(prefix="cloakroom-elsewhere-"))
"""The working directory of commands: an empty folder, which lends them nothing of the repository."""
atexit.register(shutil.rmtree, ELSEWHERE, ignore_errors=True)

POLICY = PolicyRequest(protectors=("scene",), strength="balanced", sensitive=())


@dataclass(frozen=True)
class RunningDaemon:
    """`cloakroom serve` as a process of its own, with the real worker and protectors."""

    state: Path
    port: int
    pid: int
    log: Path


@contextmanager
def serving(folder: Path) -> Iterator[RunningDaemon]:
    """A daemon with its state and its log in this folder; it has to end cleanly."""
    state, log = folder / "state", folder / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "daemon.cli", "serve", "--port", "0", "--state", str(state), "--json", "--verbose"],
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=ELSEWHERE,
        )
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        yield RunningDaemon(state, told["port"], process.pid, log)
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
    assert process.returncode == 0


@pytest.fixture(scope="session")
def running_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with serving(tmp_path_factory.mktemp("running")) as running:
        yield running


@pytest.fixture
async def client(running_daemon: RunningDaemon) -> AsyncIterator[DaemonClient]:
    """The command line's own connection to the real daemon."""
    async with await DaemonClient.open_local(running_daemon.state) as opened:
        yield opened


StartServer = Callable[..., Awaitable[Server]]


@pytest.fixture
async def start_server(tmp_path: Path) -> AsyncIterator[StartServer]:
    """Starts servers in this process, with the worker and the bounds that a test asks for."""
    async with AsyncExitStack() as stack:

        async def start(entry: EntryPoint, queue: QueueSettings | None = None, watch: Watch | None = None) -> Server:
            models = tmp_path / "models"
            models.mkdir(exist_ok=True)
            settings = ServerSettings(
                state=tmp_path / "state",
                port=0,
                worker=WorkerSettings(model_folder=models),
                queue=queue or QueueSettings(),
                watch=watch or Watch(),
                entry=entry,
            )
            server = Server(settings)
            await server.start()
            stack.push_async_callback(server.stop)
            return server

        yield start


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A small album."""
    folder = tmp_path / "album"
    for name in ("1.png", "summer/2.jpg", "summer/beach/3.webp.PNG", "winter/2.jpg"):
        photo(folder / name)
    (folder / "summer" / "notes.txt").write_text("Dear diary")
    return folder


@pytest.fixture
async def counting(start_server: StartServer) -> Server:
    """A daemon whose worker counts the photos that it is given."""
    return await start_server(odd_workers.counted)


@pytest.fixture
def works(tmp_path: Path) -> Callable[[], int]:
    """How many photos the worker was given so far."""

    def count() -> int:
        counted = tmp_path / "models" / "works"
        return counted.stat().st_size if counted.exists() else 0

    return count


async def local_client(server: Server) -> DaemonClient:
    access = server.access
    return await DaemonClient.open(server.port, Credential(access.client, bytes.fromhex(access.key)))


def cloakroom(
    *arguments: str | Path, state: Path, timeout: float = 600, columns: str = "200"
) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "daemon.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ELSEWHERE,
        timeout=timeout,
        env={**os.environ, "CLOAKROOM_STATE": str(state), "COLUMNS": columns},
        check=False,
    )
