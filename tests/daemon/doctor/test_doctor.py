"""`cloakroom doctor`: every fault by its name, what is safe mended, and nothing wrong said of a machine where all is well."""

import asyncio
import errno
import json
import socket
import subprocess
import sys
import tempfile
from collections import namedtuple
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import psutil
import pytest

from daemon.client import DaemonClient
from daemon.commands import doctor
from daemon.doctor import devices, machine, packages, pairings, running, state_folder
from daemon.doctor.areas import examine, mend
from daemon.doctor.finding import Finding, FixError, Place
from daemon.doctor.worker import jail_of
from daemon.front.pairing import CHROMIUM_ORIGIN
from daemon.state.folder import prepare
from daemon.state.settings import Values
from tests.daemon.conftest import RunningDaemon, cloakroom
from tests.daemon.doctor.faults import FAULTS, Fault, judge
from tests.daemon.doctor.faulty_machine import faulty_machine

GIB = 1024**3


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.code)
def test_each_fault_is_named_alone_and_mended_where_that_is_safe(fault: Fault) -> None:
    if not fault.possible():
        pytest.skip("needs the rights to bring it about")
    judged = judge(fault)
    assert judged.right, f"said {sorted(judged.said)}"


@pytest.mark.parametrize(
    ("platform", "walls", "words"),
    [
        ("linux", ("limits", "landlock", "seccomp"), "shut in by limits, landlock, seccomp"),
        ("linux", ("limits", "seccomp"), "shut in by limits, seccomp; this kernel has no landlock"),
        ("linux", ("limits",), "shut in by limits; this kernel has no landlock and no seccomp"),
        ("darwin", ("limits",), "not shut in, as this system has no way to"),
    ],
)
def test_walls_that_a_kernel_does_not_have_are_named(platform: str, walls: tuple[str, ...], words: str) -> None:
    assert jail_of(platform, walls) == words


def test_codes_are_stable_names() -> None:
    codes = [fault.code for fault in FAULTS]
    assert len(set(codes)) == len(codes)
    assert len(codes) >= 20


def test_where_all_is_well_nothing_is_wrong() -> None:
    with faulty_machine() as machine:
        machine.serve()
        told = machine.doctor("--quick")
        assert [finding["code"] for finding in told["findings"] if not finding["good"]] == []
        assert {finding["name"] for finding in told["findings"]} == {
            "settings", "packages", "machine", "state folder", "pairings", "daemon", "service", "models", "device", "browser",
        }  # fmt: skip
        assert told["mended"] == []


async def test_beside_a_daemon_with_a_worker_the_thorough_look_finds_nothing(running_daemon: RunningDaemon) -> None:
    state = running_daemon.state
    shown = json.loads(cloakroom("pair", "--json", state=state).stdout)
    browser = await DaemonClient.open(running_daemon.port, None, origin=CHROMIUM_ORIGIN, code=shown["code"], label="Chromium")
    async with browser:
        assert browser.credential is not None
        finished = await asyncio.to_thread(cloakroom, "doctor", "--json", state=state)
        told = json.loads(finished.stdout)
        assert finished.returncode == 0, told
        found = {finding["code"]: finding["found"] for finding in told["findings"]}
        assert str(running_daemon.port) in found["daemon"]
        assert "computes on" in found["worker"]
        cloakroom("pair", "--revoke", browser.credential.client, state=state)


def test_what_it_says_to_people() -> None:
    with faulty_machine() as machine:
        machine.state.chmod(0o755)
        (machine.state / "clients").chmod(0o755)
        command = [sys.executable, "-m", "daemon.cli", "doctor", "--quick", "--state", str(machine.state)]
        said = subprocess.run(command, env=machine.environment, capture_output=True, text=True, check=False)
        assert said.returncode == 1
        assert f"FAIL state folder: others may look into {machine.state}" in said.stdout
        assert "doctor --fix` does it) [state-open]" in said.stdout
        mended = subprocess.run([*command, "--fix"], env=machine.environment, capture_output=True, text=True, check=False)
        assert "mended state-open: They are for you alone now." in mended.stdout
        assert "ok   state folder" in mended.stdout


def test_looking_changes_nothing(tmp_path: Path) -> None:
    assert [finding.code for finding in examine(tmp_path / "state", is_quick=True, port="0") if finding.area == "state folder"]
    assert list(tmp_path.iterdir()) == []
    state = prepare(tmp_path / "state")
    state.chmod(0o755)
    list(examine(state, is_quick=True, port="0"))
    assert state.stat().st_mode & 0o777 == 0o755
    assert list(state.iterdir()) == []


# What cannot be brought about on a real machine for a moment.


def place(**changed: object) -> Place:
    return Place(Path("nowhere"), Values(**changed))  # type: ignore[arg-type]


def codes(*findings: Finding) -> list[str]:
    return [finding.code for finding in findings if not finding.good]


def test_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = namedtuple("memory", "total available")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(8 * GIB, GIB // 2))
    assert codes(*machine.check(place())) == ["memory-little"]
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(8 * GIB, 2 * GIB))
    assert codes(*machine.check(place())) == []


def test_nowhere_to_write_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", nowhere)
    assert codes(*machine.check(place())) == ["temporary-unwritable"]


def test_another_python_and_a_package_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr("platform.python_version", lambda: "3.10.4")
    assert codes(*packages.check(place())) == ["python-old"]
    monkeypatch.undo()
    monkeypatch.setattr(packages, "version", gone)
    assert set(codes(*packages.check(place()))) == {"package-absent"}


def test_a_port_for_administrators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_taken", lambda _: errno.EACCES)
    assert codes(*running.check(place(port=80))) == ["port-forbidden"]


def test_a_port_that_systemd_holds_for_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        found = running.holder(port)
        assert found is not None
        assert found.pid == psutil.Process().pid
        monkeypatch.setattr(psutil.Process, "name", lambda _: "systemd")
        assert codes(*running.check(place(port=port))) == []
        monkeypatch.setattr(running, "holder", lambda _: None)
        (finding,) = running.check(place(port=port))
    assert finding.code == "port-taken"
    assert "another user" in finding.found


@pytest.mark.parametrize(
    ("device", "cards", "good"), [("cuda", 0, False), ("cuda", 1, True), ("cuda:1", 1, False), ("cpu", 0, True)]
)
def test_devices(device: str, cards: int, good: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cuda_cards", lambda: cards)
    assert [finding.good for finding in devices.check(place(device=device))] == [good]


@pytest.mark.parametrize(("system", "processor", "good"), [("Darwin", "arm64", True), ("Darwin", "x86_64", False)])
def test_apples_device(system: str, processor: str, good: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: processor)
    assert [finding.good for finding in devices.check(place(device="mps"))] == [good]


def test_what_cannot_be_mended_is_said() -> None:
    def refuse() -> str:
        raise FixError("The manager refused.")

    def fail() -> str:
        raise PermissionError(errno.EACCES, "Permission denied", "/somewhere/file")

    assert mend(Finding("x", "x", "x", "x", refuse)) == (False, "The manager refused.")
    assert mend(Finding("x", "x", "x", "x", fail)) == (False, "/somewhere/file could not be changed (Permission denied).")
    assert not mend(Finding("x", "x", "x", "x"))[0]


def test_no_paired_browser_is_a_next_step_and_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (finding,) = pairings.check(Place(prepare(tmp_path / "state"), Values()))
    assert finding.good
    assert finding.is_step
    doctor._show([finding])
    said = capsys.readouterr().out
    assert said.startswith("next pairings")
    assert "cloakroom pair" in said


def test_the_full_disk_leaves_no_probe(tmp_path: Path) -> None:
    state = prepare(tmp_path / "state")
    list(state_folder.check(Place(state, Values())))
    assert list(state.iterdir()) == []
