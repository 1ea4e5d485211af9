"""Somebody who installs Cloakroom from a fresh clone, in a home of their own."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path as FilePath

from tests.installed import clean_environment

INSTALL_SECONDS = 1800.0


class Newcomer:
    """Somebody with a home and a clone in it, who has nothing of this repository or its environment."""

    def __init__(self, folder: FilePath, share_libraries: bool) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.clone = self.home / "cloakroom"
        self.upstream = folder / "upstream.git"
        self._libraries = shared_libraries(folder / "libraries") if share_libraries else None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    @property
    def program(self) -> FilePath:
        return self.home / ".local" / "bin" / "cloakroom"

    @property
    def state(self) -> FilePath:
        return self.home / ".local" / "state" / "cloakroom"

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in clean_environment().items() if not name.startswith(("XDG_", "CLOAKROOM_"))}
        path = os.pathsep.join([str(self.program.parent), kept.get("PATH", os.defpath)])
        variables = {
            "HOME": str(self.home),
            "PATH": path,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        # pip asks for the version of Rust, whose own launcher would write into a home in which it never was.
        variables["RUSTUP_HOME"] = kept.get("RUSTUP_HOME", str(FilePath.home() / ".rustup"))
        # The pretrained networks are 245 MB for each home; the demo has them. This person cannot fetch them, and goes on.
        variables["CLOAKROOM_OFFLINE"] = "1"
        if self._libraries:
            variables |= {"PIP_NO_DEPS": "1", "PYTHONPATH": str(self._libraries)}
        return {**kept, **variables}

    async def run(self, *command: str | FilePath, folder: FilePath | None = None) -> str:
        """Return the output of a command.

        Raises:
            RuntimeError: it failed; with what it said.
        """
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder or self.clone, env=self.environment(), stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(INSTALL_SECONDS):
            said, _ = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}: {said.decode()[-2000:]}")
        return said.decode()

    async def install(self, *words: str) -> str:
        return await self.run(sys.executable, "install", *words)

    def publish(self) -> None:
        """Put a new version upstream, as who develops it does."""
        with tempfile.TemporaryDirectory() as folder:
            work = FilePath(folder) / "work"
            git("clone", "--quiet", str(self.upstream), str(work))
            for name in ("pyproject.toml", "daemon/__init__.py", "extension/manifest.json"):
                text = (work / name).read_text(encoding="utf-8")
                (work / name).write_text(
                    re.sub(r'("?version"?\s*[:=]\s*)"0\.1\.0"', r'\1"0.1.1"', text, count=1, flags=re.I), encoding="utf-8"
                )
            git(
                "-C",
                str(work),
                "-c",
                "user.name=x",
                "-c",
                "user.email=x@example.org",
                "commit",
                "--quiet",
                "-am",
                "Version 0.1.1",
            )
            git("-C", str(work), "push", "--quiet")

    def left_over(self) -> list[str]:
        """Return the files of the home besides the clone as it was fetched."""
        there = [path for path in self.home.rglob("*") if self.clone not in path.parents and path != self.clone]
        told = git("-C", str(self.clone), "status", "--porcelain", "--ignored").splitlines()
        return sorted([*(str(path.relative_to(self.home)) for path in there), *told])


def shared_libraries(folder: FilePath) -> FilePath:
    """Everything that the tests' environment holds but Cloakroom itself, which spares a test gigabytes and minutes."""
    variables = shutil.ignore_patterns("__editable__*", "cloakroom*", "__pycache__")
    shutil.copytree(sysconfig.get_path("purelib"), folder, copy_function=_linked, ignore=variables)
    return folder


def _linked(source: str, target: str) -> None:
    """The same file once more: a symbolic link would lead out of the worker's jail."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def git(*words: str) -> str:
    settings = ("-c", "safe.directory=*")
    return subprocess.run(["git", *settings, *words], capture_output=True, text=True, check=True).stdout
