"""A machine of its own for one person, where all is well until a fault is injected, and what the doctor says of it."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from daemon.front.pairing import CHROMIUM_ORIGIN, PairedClient
from daemon.state.folder import prepare, write_private
from protectors import manifest
from tests.daemon.other_models import command

SECONDS = 120.0
CLIENT = "c-0123456789abcdef"


@dataclass
class FaultyMachine:
    """Attributes:
    folder: everything is in it.
    state: the state folder, with one paired browser.
    environment: of every process.
    port: free, and set.
    before: what the command line begins with, such as `unshare -n`.
    models: of the manifest in this folder, where they are not Cloakroom's own.
    """

    folder: Path
    stack: ExitStack
    state: Path = field(init=False)
    port: int = field(init=False)
    environment: dict[str, str] = field(init=False)
    before: list[str] = field(default_factory=list)
    models: Path | None = None

    def __post_init__(self) -> None:
        self.state = prepare(self.folder / "state")
        self.pair(CLIENT)
        self.programs.mkdir()
        self.program("firefox", "exit 0")
        self.manager("echo inactive")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("CLOAKROOM_", "XDG_"))}
        self.environment = {
            **kept,
            "HOME": str(self.folder / "home"),
            "XDG_CONFIG_HOME": str(self.folder / "home" / ".config"),
            "PATH": str(self.programs),
            "CLOAKROOM_SETTINGS": str(self.folder / "settings.toml"),
        }
        self.set("")

    @property
    def programs(self) -> Path:
        return self.folder / "programs"

    def set(self, text: str) -> None:
        """Write the settings."""
        (self.folder / "settings.toml").write_text(f"port = {self.port}\n{text}\n", encoding="utf-8")

    def pair(self, client: str) -> Path:
        """A browser that is paired."""
        entry = PairedClient(client, "Chromium", CHROMIUM_ORIGIN, "ab" * 32, 1_700_000_000.0)
        path = prepare(self.state / "clients") / f"{client}.json"
        write_private(path, msgspec.json.encode(entry))
        return path

    def program(self, name: str, script: str) -> Path:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    def manager(self, script: str) -> None:
        """Write a stand-in for systemctl: this machine has no session with one."""
        self.program("systemctl", script)

    def on_path(self, name: str, files: dict[str, str]) -> None:
        """A Python package, or a package's metadata, that comes before those that are installed."""
        folder = self.folder / "packages"
        for file, text in files.items():
            path = folder / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))

    def other_models(self) -> Path:
        """A folder of embedded models of which a test can damage what it likes: links, but for what is written."""
        self.models = self.folder / "models"
        self.models.mkdir()
        for path in manifest.FOLDER.iterdir():
            (self.models / path.name).symlink_to(path)
        return self.models

    def listen(self, port: int) -> None:
        """Another program is there first."""
        self.stack.enter_context(socket.create_server(("127.0.0.1", port)))

    def serve(self, *program: str) -> subprocess.Popen[bytes]:
        """A daemon, without a worker until somebody needs one."""
        begin = program or (sys.executable, "-m", "daemon.cli")
        process = subprocess.Popen(
            [*begin, "serve", "--worker", "need", "--json", "--state", str(self.state)],
            cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.stack.callback(_end, process)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["port"] == self.port
        return process

    def doctor(self, *options: str) -> dict[str, Any]:
        """Return the findings of `cloakroom doctor`."""
        arguments = ["doctor", "--json", "--state", str(self.state), *options]
        program_command = command(self.models, *arguments) if self.models else [sys.executable, "-m", "daemon.cli", *arguments]
        done = subprocess.run(
            [*self.before, *program_command],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=SECONDS,
        )  # fmt: skip
        assert done.stdout, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (0 if told["good"] else 1), done.stderr
        return told


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


@contextmanager
def faulty_machine() -> Iterator[FaultyMachine]:
    with tempfile.TemporaryDirectory(prefix="cloakroom-doctor-") as folder, ExitStack() as stack:
        yield FaultyMachine(Path(folder), stack)
