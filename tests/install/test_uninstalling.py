"""`python3 install uninstall`: it takes away what is ours, and nothing else."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import environment
import leftovers
import pytest

from daemon.service import units
from daemon.state.folder import Lock, prepare
from tests.install.test_installer import ROOT, installer_program


@dataclass(frozen=True)
class Kept:
    """The files of an installed Cloakroom on a system, and a file of the person's own in each folder."""

    state: Path
    cache: Path

    def make(self) -> None:
        for path in (
            self.state / "clients" / "c-0123456789abcdef.json",
            self.state / "models" / "pulled.safetensors",
            self.state / "models" / "generators" / "theirs.json",
            self.state / "models" / "trained" / "manifest.json",
            self.state / "models" / "trained" / "unet.run",
            self.state / "my own.txt",
            self.cache / "evaluation" / "scene-quick" / "parts.json",
            self.cache / "evaluation" / "scene-quick" / "strips" / "first.png",
            self.cache / "report" / "report.html",
            self.cache / "my own.txt",
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def files(self) -> set[str]:
        return {path.name for folder in (self.state, self.cache) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Kept:
    """An installed Cloakroom whose state and cache lie in this test's folder, and whose environment stays."""
    stamp = tmp_path / "stamp.json"
    stamp.touch()
    monkeypatch.setattr(environment, "STAMP", stamp)
    monkeypatch.setattr(environment, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(environment, "remove", lambda report: report.say("environment", "removed"))
    # A checkout and a home of their own: nothing of this one is taken away.
    monkeypatch.setattr(leftovers, "ROOT", tmp_path / "checkout")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("CLOAKROOM_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    folders = Kept(tmp_path / "state", tmp_path / "caches" / "cloakroom")
    folders.make()
    return folders


def test_uninstalling_takes_away_what_is_ours_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, kept: Kept, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["install", "uninstall", "--json"])
    assert installer_program().main() == 0
    assert kept.files() == {"my own.txt"}
    assert {path.name for folder in (kept.state, kept.cache) for path in folder.iterdir()} == {"my own.txt"}
    assert {"removed": 8} in [json.loads(line) for line in capfd.readouterr().out.splitlines()]


def test_empty_folders_do_not_stay(monkeypatch: pytest.MonkeyPatch, kept: Kept, capfd: pytest.CaptureFixture[str]) -> None:
    for folder in (kept.state, kept.cache):
        (folder / "my own.txt").unlink()
    monkeypatch.setattr(sys, "argv", ["install", "uninstall"])
    assert installer_program().main() == 0
    assert not kept.state.exists()
    assert not kept.cache.exists()
    # Where there is nothing, there is nothing to do.
    assert installer_program().main() == 0
    assert "Removed 0 files" in capfd.readouterr().out


def test_what_shall_be_kept_is_kept(monkeypatch: pytest.MonkeyPatch, kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    before = kept.files()
    monkeypatch.setattr(sys, "argv", ["install", "uninstall", "--keep-state"])
    assert installer_program().main() == 0
    assert "environment: removed" in capsys.readouterr().out
    assert kept.files() == before


def test_nothing_is_taken_away_while_a_daemon_runs(
    monkeypatch: pytest.MonkeyPatch, kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    before = kept.files()
    monkeypatch.setattr(environment, "remove", lambda report: pytest.fail("the environment was removed"))
    monkeypatch.setattr(sys, "argv", ["install", "uninstall"])
    lock = Lock(prepare(kept.state))
    lock.acquire()
    try:
        assert installer_program().main() == 1
    finally:
        lock.release()
    assert "stop the daemon" in capsys.readouterr().err
    assert kept.files() == before | {"lock"}


def test_the_service_can_be_taken_away_without_any_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    for file, text in units.files().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    taken = subprocess.run(
        [sys.executable, "-S", "-c", "from daemon.service import manager; manager.uninstall()"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert taken.returncode == 0, taken.stderr
    assert not any(file.exists() for file in units.files())
