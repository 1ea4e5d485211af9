"""The installed daemon, as its own process with its own state folder, started outside of the repository."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Self

import psutil

from daemon.client import DaemonClient
from daemon.wire.protocol import State
from tests.installed import Installed, clean_environment, installed

START_SECONDS = 90.0


class DaemonProcess:
    """`cloakroom serve --port 0`; `port` is known once it is entered."""

    def __init__(self, state: Path, port: int = 0) -> None:
        self.state = state
        self.port = port
        self.installed: Installed | None = None
        self._process: asyncio.subprocess.Process | None = None

    def there(self) -> Installed:
        """The environment with the wheel, made when it is first needed."""
        self.installed = self.installed or installed()
        return self.installed

    def command(self) -> list[str]:
        """Return the command that runs it; a port and a state folder are added."""
        return [str(self.there().program), "serve", "--json"]

    def place(self) -> tuple[Path, Mapping[str, str]]:
        """Its working directory and its environment's variables."""
        return self.there().elsewhere, clean_environment()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start, on the same port as before if there was one, and wait until it listens."""
        folder, variables = self.place()
        self._process = await asyncio.create_subprocess_exec(
            *self.command(), "--port", str(self.port), "--state", str(self.state),
            cwd=folder, env=variables, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout
        async with asyncio.timeout(START_SECONDS):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the daemon ended instead of listening")
        self.port = _port_of(json.loads(line))

    async def ready(self) -> State:
        """Wait until the worker has loaded its models."""
        async with asyncio.timeout(START_SECONDS), self.client() as client:
            while True:
                state = await client.status()
                if state.worker == "ready":
                    return state
                await asyncio.sleep(0.2)

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[DaemonClient]:
        """The command line's own connection."""
        async with await DaemonClient.open_local(self.state) as client:
            yield client

    async def pairing_code(self) -> str:
        """Return the code that `cloakroom pair` shows."""
        async with self.client() as client:
            return (await client.open_pairing()).code

    async def kill(self) -> None:
        """End it as a crash would."""
        await self._end(signal.SIGKILL)

    async def pause(self, seconds: float) -> None:
        """Let it stand still for a while, as a machine does that sleeps."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._process.send_signal(signal.SIGCONT)

    def kill_worker(self) -> None:
        """End the process that holds the models as a crash would, if there is one just now."""
        assert self._process
        for child in psutil.Process(self._process.pid).children():
            if "resource_tracker" not in " ".join(child.cmdline()):
                child.kill()

    async def stop(self) -> None:
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(how)
        try:
            async with asyncio.timeout(20):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def _port_of(told: dict[str, Any]) -> int:
    return int(told["port"])
