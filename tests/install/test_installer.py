"""The installer: standard library only, idempotent, quick to give up on what is out of reach, clear about what is missing."""

import ast
import importlib.util
import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import environment
import pytest
import restarting
import system_packages
from report import Report, StopInstallingError

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "install"


def installer(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it isolated from this environment's packages, as a bare Python would."""
    return subprocess.run(
        [sys.executable, "-I", "-S", "install", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def installer_program() -> ModuleType:
    """The installer's own `__main__`, in this process."""
    specification = importlib.util.spec_from_file_location("installer", FOLDER / "__main__.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_it_needs_nothing_but_the_standard_library() -> None:
    modules = {path.stem for path in FOLDER.glob("*.py")}
    imported = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
    assert imported - modules <= set(sys.stdlib_module_names)


def test_help_names_every_command() -> None:
    done = installer("--help")
    assert done.returncode == 0, done.stderr
    for word in ("demo", "test", "uninstall", "--json"):
        assert word in done.stdout


def test_unknown_arguments_are_refused() -> None:
    done = installer("uninstall", "--everything")
    assert done.returncode == 2
    assert "--everything" in done.stderr


def test_a_prepared_environment_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python, stamp = tmp_path / "python", tmp_path / "stamp.json"
    python.touch()
    monkeypatch.setattr(environment, "PYTHON", python)
    monkeypatch.setattr(environment, "STAMP", stamp)
    assert not environment.installed(("test",))
    stamp.write_text(json.dumps(environment.fingerprint(("test",))), encoding="utf-8")
    assert environment.installed(("test",))
    assert environment.installed(())  # what serves the tests serves use as well
    stamp.write_text(json.dumps(environment.fingerprint(())), encoding="utf-8")
    assert not environment.installed(("test",))
    stamp.write_text(json.dumps({**environment.fingerprint(("test",)), "pyproject": "older"}), encoding="utf-8")
    assert not environment.installed(("test",))


def test_cpu_wheels_out_of_reach_are_found_out_in_seconds() -> None:
    started = time.monotonic()
    # Port 9 of this machine: nothing listens there.
    assert not environment.cpu_wheels_reachable("http://127.0.0.1:9/whl/cpu")
    assert time.monotonic() - started < environment.REACHABLE_WITHIN + 1


def test_an_environment_that_was_left_half_made_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "with a space" / ".venv"
    monkeypatch.setattr(environment, "ENVIRONMENT", folder)
    monkeypatch.setattr(environment, "MARK", folder / "mark")
    monkeypatch.setattr(environment, "STAMP", folder / "stamp.json")
    monkeypatch.setattr(environment, "PYTHON", folder / "bin" / "python")
    report = Report(as_json=False)
    folder.mkdir(parents=True)
    (folder / "mark").touch()
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "left over").touch()
    environment.make(report)
    assert environment.has_pip()
    assert not (folder / "left over").exists()
    (folder / "mark").unlink()
    with pytest.raises(StopInstallingError, match="is not ours"):
        environment.make(report)
    environment.remove(report)
    assert folder.exists()  # whose it is, is not known
    (folder / "mark").touch()
    environment.remove(report)
    assert not folder.exists()


def test_a_damaged_stamp_counts_as_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stamp = tmp_path / "stamp.json"
    stamp.write_text('{"pyproject": "ab', encoding="utf-8")
    monkeypatch.setattr(environment, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(environment, "STAMP", stamp)
    assert not environment.installed(())


def test_cpu_wheels_that_cannot_be_fetched_fall_back_to_the_registry(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The index may answer where the files behind it do not."""
    asked: list[tuple[str, ...]] = []

    def pip(report: Report, *arguments: str) -> None:
        asked.append(arguments)
        if "--index-url" in arguments:
            raise StopInstallingError("no such file")

    monkeypatch.setattr(environment, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setattr(environment, "has_pip", lambda: True)
    monkeypatch.setattr(environment, "has_nvidia_gpu", lambda: False)
    monkeypatch.setattr(environment, "cpu_wheels_reachable", lambda: True)
    monkeypatch.setattr(environment, "pip", pip)
    monkeypatch.setattr(environment, "ENVIRONMENT", tmp_path)
    environment.prepare(Report(as_json=False), ("test",))
    assert asked[1:] == [("--editable", ".[test]")]
    assert "could not be fetched" in capsys.readouterr().out
    assert environment.STAMP.exists()


@pytest.mark.parametrize(
    ("command", "wanted"), [([], "."), (["demo"], ".[test]"), (["test"], ".[evaluate,test]")], ids=["use", "demo", "test"]
)
def test_each_command_installs_what_it_needs_and_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: list[str], wanted: str
) -> None:
    """Above all, who only uses Cloakroom gets neither the tests' packages nor those of the evaluations."""
    asked: list[tuple[str, ...]] = []

    def pip(report: Report, *arguments: str) -> None:
        asked.append(arguments)
        raise StopInstallingError("that is enough")

    monkeypatch.setattr(environment, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setattr(environment, "has_pip", lambda: True)
    monkeypatch.setattr(environment, "has_nvidia_gpu", lambda: True)
    monkeypatch.setattr(environment, "ENVIRONMENT", tmp_path)
    monkeypatch.setattr(restarting, "running", lambda: None)
    monkeypatch.setattr(environment, "pip", pip)
    monkeypatch.setattr(sys, "argv", ["install", *command])
    assert installer_program().main() == 1
    assert asked == [("--editable", wanted)]


@pytest.mark.parametrize(
    ("arguments", "display", "names"),
    [
        ([], "", ["Chromium"]),
        (["--browser", "firefox"], "", ["Firefox", "Xvfb"]),
        (["--browser=firefox"], ":0", ["Firefox"]),
    ],
)
def test_the_demo_asks_for_the_browser_it_shows(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], display: str, names: list[str]
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setenv("WAYLAND_DISPLAY", "")
    assert [program.name.split(" ")[0] for program in system_packages.for_browser(arguments)] == names


def test_what_is_missing_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_packages, "may_use_apt", lambda: False)
    absent = system_packages.Program("Lynx", ("no-such-program",), ("lynx",), "install Lynx from its site")
    with pytest.raises(StopInstallingError, match=r"Lynx not found: .*(apt-get install lynx|install Lynx from its site)"):
        system_packages.need(Report(as_json=True), absent)


def test_json_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(as_json=True)
    report.say("step", "done")
    report.fail("oh")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in lines] == ["done", "oh"]
