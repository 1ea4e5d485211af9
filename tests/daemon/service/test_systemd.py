"""The daemon under a real systemd user manager: installed, woken by its socket, restarted, watched, walled in, taken away."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.client import DaemonClient
from daemon.service import manager as service
from daemon.service import units
from tests.daemon.conftest import POLICY
from tests.daemon.samples import astronaut, saved
from tests.daemon.service.user_manager import UserManager, program, user_manager, wait_until

SYSTEMD = program()
if SYSTEMD is None:
    pytest.skip("a user manager of our own takes root, unshare, systemd and control groups to divide", allow_module_level=True)

# Each process of the tests would start a manager otherwise.
pytestmark = pytest.mark.xdist_group("systemd")

TRIES = Path(__file__).with_name("unit_escapes.py")
PROTECT_SECONDS = 120.0


@pytest.fixture(scope="module")
def manager() -> Iterator[UserManager]:
    assert SYSTEMD is not None
    with user_manager(SYSTEMD) as started:
        yield started


@pytest.fixture
def port(manager: UserManager, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The service, installed and running, at a port of its own; afterwards it is gone, and nothing of it is left."""
    for name, value in manager.environment.items():
        monkeypatch.setenv(name, value)
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
    assert service.install(number) == service.Condition(True, True, "systemctl", "active")
    yield number
    assert not service.uninstall().installed
    left = [path for path in (manager.folder / "config").rglob("*") if not path.is_dir() or path.is_symlink()]
    assert [path for path in left if path.name != "test.conf"] == []
    assert manager.shown("ActiveState") == "inactive"
    manager.change("")
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", number), 1):
        pass


def knock(port: int) -> bytes:
    """Return the daemon's answer to a client that is no browser of the person's."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        return connection.recv(100)


def test_installed_it_runs_and_protects_a_photo(manager: UserManager, port: int) -> None:
    assert manager.shown("Result") == "success"
    assert service.install(port).running, "twice is as good as once"

    async def protect() -> bool:
        async with await DaemonClient.open_local(manager.folder / "state" / "cloakroom") as client:
            return bool((await client.protect(saved(astronaut(96, 64), "JPEG"), POLICY, name="a.jpg")).data)

    assert asyncio.run(asyncio.wait_for(protect(), PROTECT_SECONDS))


def test_a_browser_that_comes_first_wakes_it(manager: UserManager, port: int) -> None:
    manager.control("stop", "cloakroom.service")
    assert service.condition().said == "inactive"
    assert b" 403 " in knock(port)
    wait_until(lambda: manager.shown("ActiveState") == "active")


def is_another(manager: UserManager, before: int) -> None:
    """Wait until another process serves."""
    wait_until(lambda: manager.shown("ActiveState") == "active" and int(manager.shown("MainPID")) not in (0, before))
    assert int(manager.shown("NRestarts")) >= 1


def test_killed_it_is_started_again_and_its_door_stays_open(manager: UserManager, port: int) -> None:
    manager.change("[Service]\nRestartSec=100ms\n")
    before = int(manager.shown("MainPID"))
    assert before
    os.kill(before, signal.SIGKILL)
    assert b" 403 " in knock(port)
    is_another(manager, before)


def test_hanging_it_is_ended_and_started_again(manager: UserManager, port: int) -> None:
    manager.change("[Service]\nRestartSec=100ms\nWatchdogSec=5\nTimeoutAbortSec=1\n")
    service.start_again()
    manager.control("restart", "cloakroom.service")
    before = int(manager.shown("MainPID"))
    assert before
    os.kill(before, signal.SIGSTOP)
    is_another(manager, before)
    assert b" 403 " in knock(port)


def test_what_dies_again_and_again_is_given_up_and_said_so(manager: UserManager, port: int) -> None:
    manager.change("[Service]\nRestartSec=100ms\nExecStart=\nExecStart=/bin/false\n")
    subprocess.run(["systemctl", "--user", "restart", "cloakroom.service"], check=False, capture_output=True)
    wait_until(lambda: manager.shown("ActiveState") == "failed")
    assert service.failure() in ("exit-code", "start-limit-hit")
    manager.change("")
    assert service.start_again().running
    assert service.failure() is None
    assert b" 403 " in knock(port)


def test_stopping_it_is_no_failure(manager: UserManager, port: int) -> None:
    assert not service.stop().running
    assert manager.shown("Result") == "success"
    with pytest.raises(OSError, match="refused"):
        knock(port)


def tried(manager: UserManager, walls: str) -> dict[str, str]:
    """Return the escapes that a unit with these settings can make."""
    results = manager.folder / "tried.json"
    results.unlink(missing_ok=True)
    unit = manager.folder / "config" / "systemd" / "user" / "tries.service"
    unit.write_text(f'[Service]\nType=oneshot\nExecStart="{sys.executable}" "{TRIES}" "{results}"\n{walls}\n')
    try:
        manager.control("daemon-reload")
        manager.control("start", unit.name)
        return dict(json.loads(results.read_text()))
    finally:
        unit.unlink()


def test_the_units_walls_hold(manager: UserManager, port: int) -> None:
    settings = units.systemd_service().partition("[Service]")[2].partition("[Install]")[0]
    kept = ("Type=", "NotifyAccess=", "ExecStart=", "Restart=", "RestartSec=", "WatchdogSec=")
    walls = "\n".join(line for line in settings.splitlines() if not line.startswith(kept))
    without = tried(manager, "")
    assert set(without.values()) == {"got out"}, "without the walls each of them works"
    within = tried(manager, walls)
    assert within.keys() == without.keys()
    assert {name for name, result in within.items() if result == "got out"} == set()
