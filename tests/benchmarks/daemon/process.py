"""A daemon as a process of its own, for as long as something is measured at it."""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from daemon.client import DaemonClient
from daemon.figures import CHECKOUT
from daemon.front.pairing import CHROMIUM_ORIGIN

START_SECONDS = 60.0
STOP_SECONDS = 40.0


@dataclass
class Place:
    """A daemon's state folder and port."""

    state: Path
    port: int

    async def client(self) -> DaemonClient:
        """A connection of the command line's."""
        return await DaemonClient.open_local(self.state)

    async def browser(self) -> DaemonClient:
        """A browser that has just been paired."""
        async with await self.client() as person:
            code = (await person.open_pairing()).code
            return await DaemonClient.open(self.port, None, origin=CHROMIUM_ORIGIN, code=code)


@dataclass
class Daemon(Place):
    """A running daemon.

    Attributes:
        process: its front.
        ready_ms: milliseconds from the start of its process until it listened.
    """

    process: "subprocess.Popen[bytes]"
    ready_ms: float

    @property
    def front(self) -> psutil.Process:
        return psutil.Process(self.process.pid)

    def worker(self) -> psutil.Process | None:
        """The process that reads photos, if there is one at this moment."""
        with contextlib.suppress(psutil.Error):
            for child in self.front.children():
                with contextlib.suppress(psutil.Error):
                    if any("spawn_main" in word for word in child.cmdline()):
                        return child
        return None


def spawn(state: Path, *arguments: str, module: str = "daemon.cli") -> Daemon:
    """Start `cloakroom serve`, or a module that is like it with another worker, and wait until it listens.

    Raises:
        RuntimeError: it does not start.
    """
    command = [sys.executable, "-m", module]
    if module == "daemon.cli":
        command.append("serve")
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--port", "0", "--state", str(state), "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=CHECKOUT,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    ready_ms = (time.perf_counter() - begun) * 1000
    if not line:
        process.kill()
        process.wait()
        raise RuntimeError("the daemon did not start")
    return Daemon(state, int(json.loads(line)["port"]), process, ready_ms)


def end(daemon: Daemon) -> None:
    """Stop it as a service manager would."""
    daemon.process.terminate()
    try:
        daemon.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.process.kill()
        daemon.process.wait()
    assert daemon.process.stdout is not None
    daemon.process.stdout.close()


@contextlib.contextmanager
def running(*arguments: str, module: str = "daemon.cli") -> Iterator[Daemon]:
    """One daemon in a fresh folder."""
    with tempfile.TemporaryDirectory(prefix="cloakroom-bench-") as folder:
        daemon = spawn(Path(folder) / "state", *arguments, module=module)
        try:
            yield daemon
        finally:
            end(daemon)
