"""The daemon as a service: what each system's manager is given, and what systemd and the daemon tell each other."""

import configparser
import contextlib
import itertools
import json
import os
import platform
import plistlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import DEFAULT_PORT
from daemon.commands.service import _sentence
from daemon.service import manager as service
from daemon.service import notify, units
from daemon.service.running import Running

SECONDS = 30.0
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A person's folders of their own, and no service manager."""
    for name, folder in (("HOME", "home"), ("XDG_CONFIG_HOME", "home/.config"), ("LOCALAPPDATA", "home/local")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "home"


def unit(text: str) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read_string(text)
    return parsed


def test_the_systemd_unit_notifies_is_watched_and_restarts_within_limits() -> None:
    sections = unit(units.systemd_service())
    assert sections["Service"]["ExecStart"].startswith("/bin/sh -c ")
    assert sections["Service"]["RestartPreventExitStatus"] == str(units.PYTHON_GONE_STATUS)
    assert sections["Service"]["Type"] == "notify"
    assert int(sections["Service"]["WatchdogSec"]) > 2 * 30
    assert sections["Service"]["Restart"] == "on-failure"
    assert int(sections["Unit"]["StartLimitBurst"]) * int(sections["Service"]["RestartSec"]) < int(
        sections["Unit"]["StartLimitIntervalSec"]
    )
    assert unit(units.systemd_socket())["Socket"]["ListenStream"] == f"127.0.0.1:{DEFAULT_PORT}"


def complaints(file: Path) -> str:
    verify = ["systemd-analyze", "verify", "--user", str(file)]
    return subprocess.run(verify, capture_output=True, text=True, check=False).stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_finds_nothing_wrong_with_the_units(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home.parent))
    for file, text in units.files().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    for file in units.files():
        assert complaints(file) == ""
    # And it would say so if there were.
    broken = next(iter(units.files()))
    broken.write_text(units.systemd_service().replace("Type=notify", "Typ=notify"))
    assert "Typ" in complaints(broken)


def test_the_launchd_agent_starts_the_daemon() -> None:
    agent = plistlib.loads(units.launchd_agent())
    assert agent["ProgramArguments"] == ["/bin/sh", "-c", units.LAUNCH, sys.executable, units.repair_advice()]
    assert agent["RunAtLoad"] is True
    assert agent["KeepAlive"] == {"SuccessfulExit": False}


@pytest.mark.skipif(os.name == "nt", reason="there is no /bin/sh")
@pytest.mark.parametrize("python", ["gone", "of another version"])
def test_a_python_that_is_gone_is_named_with_the_command_that_mends_it(python: str, tmp_path: Path) -> None:
    """As after an upgrade of the system: the link leads nowhere, or to a Python that has none of the packages."""
    broken = tmp_path / "with a space" / "python"
    broken.parent.mkdir()
    if python == "gone":
        broken.symlink_to(tmp_path / "nothing")
    else:
        broken.write_text("#!/bin/sh\nexit 1\n")
        broken.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", units.LAUNCH, str(broken), units.repair_advice()], capture_output=True, text=True, check=False
    )
    assert done.returncode == units.PYTHON_GONE_STATUS
    assert "run: python3 install" in done.stderr


def test_the_windows_task_runs_at_logon_without_more_rights() -> None:
    task = ElementTree.fromstring(units.windows_task())
    assert task.find(f"{TASK}Triggers/{TASK}LogonTrigger") is not None
    assert task.findtext(f"{TASK}Principals/{TASK}Principal/{TASK}RunLevel") == "LeastPrivilege"
    assert task.findtext(f"{TASK}Actions/{TASK}Exec/{TASK}Command") == str(units.program())
    assert task.findtext(f"{TASK}Settings/{TASK}ExecutionTimeLimit") == "PT0S"


@pytest.mark.parametrize("system", ["Linux", "Darwin", "Windows"])
def test_without_a_manager_it_says_how_to_start_and_uninstalling_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, home: Path, system: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    with pytest.raises(service.ServiceError, match="Start it with `cloakroom serve`"):
        service.install()
    assert not service.condition().installed, "nobody would read the files"
    assert not service.condition().running
    # As an earlier version left them.
    for file, text in units.files().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    service.uninstall()
    assert [path for path in home.rglob("*") if path.is_file()] == []


DAEMON = Running(4711, ("cloakroom", "serve"), by_service=False)


@pytest.mark.parametrize(
    ("installed", "is_running", "said", "daemon", "words"),
    [
        (True, True, "active", None, ("installed, running",)),
        # Without systemd the daemon runs all the same, and the command says so.
        (False, False, service.NO_ANSWER, DAEMON, ("the daemon runs, started by hand (process 4711)",)),
        (False, False, service.NO_ANSWER, None, ("not running", "`cloakroom serve`", "startup programs")),
        (True, False, "inactive", None, ("not running", "`cloakroom service start`")),
        (False, False, "inactive", None, ("not installed", "`cloakroom service install`")),
    ],
)
def test_the_status_says_what_runs_and_what_is_next(
    monkeypatch: pytest.MonkeyPatch,
    installed: bool,
    is_running: bool,
    said: str,
    daemon: Running | None,
    words: tuple[str, ...],
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    sentence = _sentence(service.Condition(installed, is_running, "systemctl", said), daemon)
    for word in words:
        assert word in sentence
    if daemon:
        assert "not running" not in sentence


def test_a_manager_that_does_not_answer_is_none(monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path) -> None:
    """As in a container or after `su`: systemctl is there, the session's bus is not."""
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    (tmp_path / "systemctl").write_text("#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n")
    (tmp_path / "systemctl").chmod(0o755)
    with pytest.raises(service.ServiceError, match="no systemd"):
        service.install()
    assert not home.exists() or not [path for path in home.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("system", "manager", "word"),
    [("Linux", "systemctl", "active"), ("Darwin", "launchctl", '"PID" = 1;'), ("Windows", "schtasks", "Status: Running")],
)
def test_each_manager_is_told_and_asked(
    monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path, system: str, manager: str, word: str
) -> None:
    told = tmp_path / "told"
    stand_in = tmp_path / manager
    stand_in.write_text(f"#!/bin/sh\necho \"$@\" >> '{told}'\necho '{word}'\n")
    stand_in.chmod(0o755)
    monkeypatch.setattr(platform, "system", lambda: system)
    assert service.install() == service.Condition(True, True, manager, word)
    first = told.read_text()
    assert service.install() == service.Condition(True, True, manager, word), "twice is as good as once"
    assert service.stop().installed
    assert service.start().installed
    assert not service.uninstall().installed
    assert len(told.read_text().splitlines()) > len(first.splitlines())


# What follows plays systemd's part.

BECOME = """
import os, sys
if door := int(sys.argv[1]):
    os.dup2(door, 3)
os.environ.update(LISTEN_PID=str(os.getpid()), WATCHDOG_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


@contextlib.contextmanager
def daemon(environment: dict[str, str], folder: Path, door: socket.socket | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """`cloakroom serve` as systemd starts it: descriptor 3 is the door, and the variables name the process itself."""
    serve = [sys.executable, "-m", "daemon.cli", "serve", "--port", "0", "--json", "--state", str(folder)]
    with subprocess.Popen(
        [sys.executable, "-c", BECOME, str(door.fileno() if door else 0), *serve],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[door.fileno()] if door else [],
    ) as process:
        yield process
        process.terminate()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket that hears the daemon's states."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(SECONDS)
        yield heard


@pytest.mark.skipif(os.name == "nt", reason="systemd's protocol")
def test_it_says_when_it_is_ready_that_it_lives_and_when_it_stops(manager: socket.socket, tmp_path: Path) -> None:
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
    with daemon(environment, tmp_path / "state") as process:
        assert manager.recv(100) == b"READY=1"
        begun = time.monotonic()
        for _ in range(5):
            assert manager.recv(100) == b"WATCHDOG=1"
        assert time.monotonic() - begun > 0.4, "no oftener than it is needed"
        process.send_signal(signal.SIGTERM)
        last = list(itertools.takewhile(lambda word: word != b"STOPPING=1", iter(lambda: manager.recv(100), None)))
        assert set(last) <= {b"WATCHDOG=1"}
        assert process.wait(SECONDS) == 0


@pytest.mark.skipif(os.name == "nt", reason="systemd's protocol")
def test_it_takes_the_door_that_systemd_opened(manager: socket.socket, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        # Somebody is there before the daemon is.
        early = socket.create_connection(("127.0.0.1", port))
        early.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "LISTEN_FDS": "1"}
        with daemon(environment, tmp_path / "state", door) as process:
            assert process.stdout
            assert json.loads(process.stdout.readline())["port"] == port
            early.settimeout(SECONDS)
            assert early.recv(100).startswith(b"HTTP/1.1 403"), "and is heard now"
            early.close()


@pytest.mark.skipif(os.name == "nt", reason="systemd's protocol")
def test_a_door_beyond_this_machine_is_not_taken(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as door, daemon({"LISTEN_FDS": "1"}, tmp_path / "state", door) as process:
        assert process.stdout
        assert "listens beyond this machine" in json.loads(process.stdout.readline())["error"]
        assert process.wait(SECONDS) == 1


def test_sockets_that_were_meant_for_another_process_are_left() -> None:
    environment = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "cloakroom.socket"}
    assert notify.inherited_sockets(environment) == []
    assert environment == {}


def test_nobody_watches_where_nobody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert notify.watchdog_seconds() is None
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert notify.watchdog_seconds() == 1.0
    assert not notify.tell("READY=1")
