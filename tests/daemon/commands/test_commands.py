"""The other commands, as processes: what they print, for people and for programs, and their exit statuses."""

import asyncio
import contextlib
import json
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from daemon.cli import main
from daemon.client import DaemonClient
from daemon.front.pairing import CHROMIUM_ORIGIN
from daemon.models.store import chosen
from daemon.state.folder import LocalAccess, Lock, StateError, read_local, write_local
from protectors.manifest import entries, resolve
from protectors.names import PROTECTORS
from tests.benchmarks.daemon.large import twelve_megapixels
from tests.daemon.conftest import ELSEWHERE, RunningDaemon, cloakroom
from tests.daemon.samples import astronaut, opened, saved

COMMANDS = [
    ["serve"], ["protect"], ["pair"], ["status"], ["dashboard"], ["cluster"], ["models"], ["models", "list"],
    ["models", "pull"], ["models", "verify"], ["models", "import"], ["models", "remove"], ["settings"],
    ["doctor"], ["evaluate"], ["bench"], ["train", "visual"], ["train", "grid"], ["train", "pairs"], ["forget"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert " ".join(command) in said
    assert "--json" in said or command == ["models"]


@pytest.mark.parametrize(
    "command", [["status"], ["dashboard"], ["pair"], ["pair", "--list"], ["pair", "--revoke", "c-0"]], ids=" ".join
)
def test_without_a_daemon_they_say_how_to_start_one(command: list[str], tmp_path: Path) -> None:
    plain = cloakroom(*command, state=tmp_path)
    assert plain.returncode == 3
    assert "cloakroom serve" in plain.stderr
    assert plain.stdout == ""


def test_a_dead_daemons_word_is_no_daemon(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        write_local(tmp_path, LocalAccess(taken.getsockname()[1], "local", "00" * 32, 1))
        finished = cloakroom("status", "--json", state=tmp_path)
    assert finished.returncode == 3
    assert "error" in json.loads(finished.stdout)


def test_status(running_daemon: RunningDaemon) -> None:
    told = json.loads(cloakroom("status", "--json", state=running_daemon.state).stdout)
    assert told["port"] == running_daemon.port
    assert told["front_rss"] > 1_000_000
    assert told["protectors"] == list(PROTECTORS)
    plain = cloakroom("status", state=running_daemon.state).stdout
    assert f"127.0.0.1:{running_daemon.port}" in plain


async def test_pair_list_revoke(running_daemon: RunningDaemon) -> None:
    state = running_daemon.state
    shown = json.loads(cloakroom("pair", "--json", state=state).stdout)
    assert shown["seconds"] == 120
    async with await DaemonClient.open(
        running_daemon.port, None, origin=CHROMIUM_ORIGIN, code=shown["code"], label="Chromium"
    ) as browser:
        credential = browser.credential
        assert credential is not None
        listed = json.loads(cloakroom("pair", "--list", "--json", state=state).stdout)["clients"]
        assert [(entry["client"], entry["label"]) for entry in listed] == [(credential.client, "Chromium")]
        assert "key" not in listed[0]
        assert credential.client in cloakroom("pair", "--list", state=state).stdout
        assert cloakroom("pair", "--revoke", credential.client, state=state).returncode == 0
        async with asyncio.timeout(10):
            await browser._connection.wait_closed()
    again = cloakroom("pair", "--revoke", credential.client, state=state)
    assert again.returncode == 1
    assert "--list" in again.stderr


async def test_pair_waits_and_says_who_came(running_daemon: RunningDaemon) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "daemon.cli", "pair", "--state", str(running_daemon.state),
        stdout=asyncio.subprocess.PIPE, cwd=ELSEWHERE,
    )  # fmt: skip
    assert process.stdout is not None
    code = ""
    try:
        while code.count("-") != 2:
            code = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
        browser = await DaemonClient.open(running_daemon.port, None, origin=CHROMIUM_ORIGIN, code=code, label="Her browser")
        async with browser:
            assert b"Her browser is paired" in await asyncio.wait_for(process.stdout.read(), 30)
            assert browser.credential is not None
            assert await process.wait() == 0
            cloakroom("pair", "--revoke", browser.credential.client, state=running_daemon.state)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def test_models_list_and_verify(tmp_path: Path) -> None:
    models = json.loads(cloakroom("models", "list", "--json", state=tmp_path).stdout)["models"]
    assert {model["task"] for model in models if model["here"]} == {"objects", "search", "scene", "visual", "cloak"}
    assert all(len(model["sha256"]) == 64 for model in models)
    assert "people_detector" in cloakroom("models", "list", state=tmp_path).stdout
    verified = cloakroom("models", "verify", "--json", state=tmp_path)
    assert verified.returncode == 0
    assert json.loads(verified.stdout)["models"]["people_detector"] == "ok"


@pytest.mark.parametrize("columns", ["40", "80", "120", "200"])
def test_models_list_shows_every_name_whole_and_pull_takes_it(columns: str, tmp_path: Path) -> None:
    listed = cloakroom("models", "list", state=tmp_path, columns=columns).stdout
    for entry in entries():
        name = entry.names[-1]
        assert any(line.split()[:1] == [name] for line in listed.splitlines()), name
        assert resolve(name) is entry
        assert chosen([name]) == [entry]


def test_an_unknown_model(tmp_path: Path) -> None:
    finished = cloakroom("models", "pull", "sorcery", state=tmp_path)
    assert finished.returncode == 2
    assert "sorcery" in finished.stderr


def test_evaluate_says_what_data_it_lacks(tmp_path: Path) -> None:
    finished = cloakroom("evaluate", "scene", "--quick", "--data", tmp_path, "--report", tmp_path / "report", state=tmp_path)
    assert finished.returncode == 1
    assert f"{tmp_path / 'scenes6.npz'} is not there" in finished.stderr
    assert "--data" in finished.stderr


def test_the_bench_photo_has_twelve_megapixels() -> None:
    photo = twelve_megapixels(saved(astronaut(400, 300), "PNG"))
    assert opened(photo).size == (4000, 3000)
    assert len(photo) > 1_000_000, "as heavy as a camera's"


# serve


def test_two_daemons_do_not_share_a_state_folder(running_daemon: RunningDaemon) -> None:
    second = cloakroom("serve", "--port", "0", state=running_daemon.state)
    assert second.returncode == 1
    assert "--state" in second.stderr


def test_a_taken_port_is_said(running_daemon: RunningDaemon, tmp_path: Path) -> None:
    second = cloakroom("serve", "--port", str(running_daemon.port), state=tmp_path / "state")
    assert second.returncode == 1
    assert "--port" in second.stderr


def test_the_state_folder_is_for_its_owner_alone(running_daemon: RunningDaemon) -> None:
    assert stat.S_IMODE(running_daemon.state.stat().st_mode) == 0o700
    for path in running_daemon.state.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def worker_of(pid: int, seconds: float = 60) -> psutil.Process:
    """The process that a daemon spawned for torch, once it is there."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if any("spawn_main" in word for word in child.cmdline()):
                    return child
        time.sleep(0.05)
    raise AssertionError("the daemon has no worker")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_cleanly_and_takes_its_worker_along(tmp_path: Path, number: signal.Signals) -> None:
    state = tmp_path / "state"
    process = subprocess.Popen(
        [sys.executable, "-m", "daemon.cli", "serve", "--port", "0", "--state", str(state)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ELSEWHERE,
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline().startswith(b"listening on 127.0.0.1:")
        worker = worker_of(process.pid)
        access = read_local(state)
        assert access is not None
        assert access.pid == process.pid
        process.send_signal(number)
        assert process.wait(20) == 0
    assert read_local(state) is None
    assert psutil.wait_procs([worker], timeout=10)[1] == []


# forget


def test_forget_removes_what_is_ours_and_nothing_else(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "clients").mkdir(parents=True)
    (state / "clients" / "c-0123456789abcdef.json").write_text("{}")
    (state / "models").mkdir()
    (state / "models" / "big.safetensors").write_text("x")
    for left in ("lock", ".large.part", ".large.part.json"):
        (state / "models" / left).write_text("{}")
    (state / "models" / "my own.txt").write_text("mine")
    finished = cloakroom("forget", "--json", state=state)
    assert json.loads(finished.stdout) == {"removed": 5}
    assert [path.name for path in state.rglob("*") if path.is_file()] == ["my own.txt"]


def test_forget_waits_for_the_daemon_to_be_stopped(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    lock = Lock(state)
    lock.acquire()
    try:
        with pytest.raises(StateError):
            Lock(state).acquire()
        assert cloakroom("forget", state=state).returncode == 1
    finally:
        lock.release()
    assert cloakroom("forget", state=state).returncode == 0
    assert not state.exists()
