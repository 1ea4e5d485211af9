"""A systemd user manager of the tests' own, as a person's session has one: its own units, runtime folder and settings.

Where no systemd was booted it is told one was, in a mount namespace that nobody else sees; that takes root.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from daemon.service.units import NAME

SECONDS = 30.0

PROGRAMS = (Path("/usr/lib/systemd/systemd"), Path("/lib/systemd/systemd"))

GROUPS = Path("/sys/fs/cgroup")
"""One hierarchy of control groups, or a folder of several."""

AS_BOOTED = """
systemd=$1; shift
for group; do mkdir "$group" && echo $$ > "$group/cgroup.procs"; done
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec "$systemd" --user
"""
"""In groups of its own: whatever else is in a manager's group is moved about by it."""


def program() -> Path | None:
    """systemd, where one may be started: it needs control groups that it can divide, and the rights for a namespace."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "systemctl"))):
        return None
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode != 0:
        return None
    found = next((path for path in PROGRAMS if path.exists()), None)
    return found if all(os.access(hierarchy, os.W_OK) for hierarchy in hierarchies()) else None


def hierarchies() -> list[Path]:
    """In which systemd keeps track of its services: its own and version 2's where there are several, else the one there is."""
    found = [GROUPS / name for name in ("systemd", "unified", "pids", "memory", "cpu") if (GROUPS / name).is_dir()]
    return found or [GROUPS]


@dataclass(frozen=True)
class UserManager:
    """A running manager.

    Attributes:
        folder: a home of its own; the daemon's state and settings are below it.
        environment: what a person's programs have, so that they find it.
    """

    folder: Path
    environment: dict[str, str]

    def control(self, *words: str) -> str:
        """Return the output of `systemctl --user`.

        Raises:
            subprocess.CalledProcessError: the manager refused.
        """
        command = ["systemctl", "--user", *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True, timeout=SECONDS)
        return done.stdout.strip()

    def shown(self, of: str, unit: str = f"{NAME}.service") -> str:
        """One property of a unit."""
        return self.control("show", f"--property={of}", "--value", unit)

    def change(self, settings: str) -> None:
        """Add to the daemon's unit, as a person's own drop-in does."""
        folder = self.folder / "config" / "systemd" / "user" / f"{NAME}.service.d"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "test.conf").write_text(settings)
        self.control("daemon-reload")


@contextlib.contextmanager
def user_manager(systemd: Path) -> Iterator[UserManager]:
    """One that has nothing yet; every process below it ends with it."""
    # Its sockets' paths have to be short.
    with tempfile.TemporaryDirectory(prefix="cloakroom-systemd-") as name:
        folder = Path(name)
        (folder / "run").mkdir(mode=0o700)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": name,
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / "state"),
        }
        groups = [hierarchy / folder.name for hierarchy in hierarchies()]
        log = folder / "log"
        with log.open("wb") as told:
            process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", AS_BOOTED, "sh", str(systemd), *map(str, groups)],
                env=environment | {"SYSTEMD_LOG_TARGET": "console"},
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                umask=0o022,
            )
        try:
            _until_there(process, folder / "run" / "systemd" / "private", log)
            yield UserManager(folder, environment)
        finally:
            _end(process, groups)


def _end(process: "subprocess.Popen[bytes]", groups: list[Path]) -> None:
    """And every process that it began."""
    process.terminate()
    try:
        process.wait(2 * SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for group in groups:
        for folder in (*sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True), group):
            wait_until(partial(_is_removed, folder))


def _is_removed(group: Path) -> bool:
    """Not as long as one of its processes is there."""
    try:
        group.rmdir()
    except OSError:
        return False
    return True


def _until_there(process: "subprocess.Popen[bytes]", door: Path, log: Path) -> None:
    wait_until(lambda: door.exists() or process.poll() is not None)
    if not door.exists():
        raise RuntimeError(f"no user manager: {log.read_text()}")


def wait_until(true: Callable[[], bool]) -> None:
    """Poll what can be looked at and tells nothing of itself.

    Raises:
        TimeoutError: it was not so in time.
    """
    until = time.monotonic() + SECONDS
    while not true():
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.05)
