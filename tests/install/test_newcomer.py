"""Installing as a person does: the command on the path, sizes told in advance, upgrading, and uninstalling."""

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import environment
import launcher
import leftovers
import pytest
import restarting
import sizes
from report import Report, StopInstallingError

from daemon.service import running
from daemon.state.folder import LocalAccess, Lock, prepare, write_local

posix = pytest.mark.skipif(os.name == "nt", reason="a shell's script")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home of its own, whose folder for programs is on the path."""
    folder = tmp_path / "a home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder / ".local" / "bin"), os.environ["PATH"]]))
    monkeypatch.setattr(launcher, "PYTHON", Path(sys.executable))
    return folder


@posix
def test_the_command_is_found_by_the_shell_in_any_folder(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launcher.place(Report(as_json=False)) == "cloakroom"
    said = capsys.readouterr().out
    assert str(home / ".local" / "bin" / "cloakroom") in said
    assert "does not look there" not in said
    # What lies where the person stands is not run in its place.
    (tmp_path / "daemon.py").write_text("raise SystemExit('another program')")
    done = subprocess.run(["sh", "-c", "cloakroom --help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage: cloakroom" in done.stdout
    launcher.place(Report(as_json=False))
    launcher.remove(Report(as_json=False))
    assert list(home.iterdir()) == []


@posix
@pytest.mark.parametrize(("shell", "told"), [("bash", "~/.profile"), ("/bin/zsh", "~/.zshrc"), ("/bin/fish", "fish_add")])
def test_a_shell_that_does_not_look_there_is_told_how(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: str, told: str
) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setenv("SHELL", shell)
    launcher.place(Report(as_json=False))
    assert told in capsys.readouterr().out


@posix
@pytest.mark.parametrize("kind", ["file", "link"])
def test_another_programs_file_stays(home: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = launcher.command()
    path.parent.mkdir(parents=True)
    other = home / "theirs"
    other.write_text("#!/bin/sh\necho theirs\n")
    path.symlink_to(other) if kind == "link" else shutil.copy(other, path)
    assert "daemon.cli" in launcher.place(Report(as_json=False))
    assert "another program" in capsys.readouterr().out
    launcher.remove(Report(as_json=False))
    assert path.read_text() == "#!/bin/sh\necho theirs\n"


@posix
def test_the_command_names_an_environment_that_is_gone(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "PYTHON", tmp_path / "gone" / "python")
    launcher.place(Report(as_json=False))
    done = subprocess.run(["cloakroom", "status"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "run: python3 install" in done.stderr
    assert str(environment.ROOT) in done.stderr


def test_an_environment_of_another_python_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ".venv"
    for name, value in (("ENVIRONMENT", folder), ("MARK", folder / "mark"), ("PYTHON", folder / "bin" / "python")):
        monkeypatch.setattr(environment, name, value)
    assert not environment.is_broken(), "there is none yet"
    (folder / "bin").mkdir(parents=True)
    (folder / "mark").touch()
    (folder / "bin" / "python").symlink_to(tmp_path / "gone")
    assert environment.is_broken()
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "lib" / f"python3.{sys.version_info[1]}").mkdir(parents=True)
    assert not environment.is_broken()
    (folder / "lib" / f"python3.{sys.version_info[1]}").rename(folder / "lib" / "python3.1")
    assert environment.is_broken()


def test_sizes_are_said_and_a_full_disk_stops_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes.need_room(Report(as_json=False), sizes.Size(1_000_000, 2_000_000), tmp_path / "not yet")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**11, 10**11 - 10**9, 10**9))
    with pytest.raises(StopInstallingError, match=r"1\.0 GB free, and 9\.8 GB are needed"):
        sizes.need_room(Report(as_json=False), sizes.CUDA, tmp_path)
    assert "about 3.1 GB to download, 6.2 GB on disk" in capsys.readouterr().out


def test_progress_is_of_what_has_come_and_is_silent_outside_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    with sizes.Progress(Report(as_json=False), sizes.Size(4_000_000, 6_000_000), tmp_path, downloads):
        pass
    assert capsys.readouterr().out == ""
    progress = sizes.Progress(Report(as_json=False), sizes.Size(4_000_000, 6_000_000), tmp_path, downloads)
    progress._begun -= 60
    (downloads / "wheel").write_bytes(bytes(4_000_000))
    assert progress.line().split()[0] == "40%"
    assert "about 90 s left" in progress.line() or "about 2 min left" in progress.line()
    # Unpacked, it is still counted as fetched.
    (downloads / "wheel").unlink()
    (tmp_path / "library").write_bytes(bytes(3_000_000))
    assert progress.line().split()[0] == "70%"


OWN = restarting.Running(4711, ("python", "-m", "daemon.cli", "serve"), by_service=False)
SERVICE = restarting.Running(4711, ("python", "-m", "daemon.cli", "serve"), by_service=True)


def test_a_running_daemon_is_started_anew_as_asked() -> None:
    report = Report(as_json=True)
    assert restarting.wanted(report, OWN, True)
    assert not restarting.wanted(report, SERVICE, False)
    # Where nobody can be asked, the service is ours to start anew, and what a person started is not.
    assert restarting.wanted(report, SERVICE, None)
    assert not restarting.wanted(report, OWN, None)


def test_a_daemon_started_by_hand_is_found_named_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOAKROOM_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(restarting, "PYTHON", Path(sys.executable))
    assert restarting.running() is None
    command = [sys.executable, "-m", "daemon.cli", "serve", "--port", "0", "--worker", "need", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path) as daemon:
        assert daemon.stdout
        daemon.stdout.readline()
        found = restarting.running()
        assert found
        assert found.pid == daemon.pid
        assert not found.by_service
        assert "serve" in str(found)
        restarting.end(found)
        assert daemon.wait(10) == 0
    assert restarting.running() is None


def test_a_word_of_a_daemon_that_is_gone_names_nobody(tmp_path: Path) -> None:
    state = prepare(tmp_path)
    write_local(state, LocalAccess(1, "local", "00" * 32, os.getpid()))
    assert running.running(state) is None, "nobody holds the lock"
    lock = Lock(state)
    lock.acquire()
    try:
        found = running.running(state)
    finally:
        lock.release()
    assert found
    assert found.pid == os.getpid()


def test_nothing_that_was_made_here_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "ROOT", tmp_path)
    made = ["build/lib/x.py", "dist/cloakroom-0.1.0.whl", "cloakroom.egg-info/PKG-INFO", "demo-output/a.png"]
    made += ["daemon/__pycache__/x.pyc", "tests/extension/node_modules/x.js"]
    theirs = ["daemon/x.py", "mine.txt"]
    for name in (*made, *theirs):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    leftovers.remove(Report(as_json=True))
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()) == sorted(theirs)
    assert not (tmp_path / "dist").exists()
