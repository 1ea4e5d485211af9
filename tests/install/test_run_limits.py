"""A test run ends, whatever becomes of its workers: by the project's own options, on a scratch folder of tests."""

import os
import subprocess
import sys
import time
from pathlib import Path

import checks
import pytest

ROOT = Path(__file__).resolve().parents[2]

QUIET = "import time\nimport pytest\n@pytest.mark.parametrize('number', range(8))\ndef test_quiet(number): time.sleep(0.1)\n"
DIES = {
    "segfault": "import os, signal\ndef test_dies(): os.kill(os.getpid(), signal.SIGSEGV)\n",
    "abort": "import os\ndef test_dies(): os.abort()\n",
    "killed": "import os, signal\ndef test_dies(): os.kill(os.getpid(), signal.SIGKILL)\n",
    # Whoever waits for the worker's pipe to close waits for its child as well.
    "child-holds-pipe": (
        "import os, signal, time\n"
        "def test_dies():\n    if os.fork() == 0:\n        time.sleep(300)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    ),
}


def run(folder: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run the folder's tests with the project's configuration; how it ended, and after how many seconds."""
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder)]
    command += ["-p", "tests.run_limits", "-p", "no:cacheprovider", *options, str(folder)]
    outside = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "TEST_RUN_"))}
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=outside, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )
    return done, time.monotonic() - started


@pytest.mark.parametrize("way", DIES)
def test_a_worker_that_dies_fails_the_run_at_once_and_names_the_test(way: str, tmp_path: Path) -> None:
    (tmp_path / "test_a_quiet.py").write_text(QUIET)
    (tmp_path / "test_b_dies.py").write_text(DIES[way])
    # The other worker is in the middle of something long.
    (tmp_path / "test_c_long.py").write_text("import time\ndef test_long(): time.sleep(300)\n")
    done, seconds = run(tmp_path)
    assert done.returncode != 0
    assert seconds < 60
    assert "crashed while running 'test_b_dies.py::test_dies'" in done.stdout
    assert " failed" in done.stdout.splitlines()[-1], done.stdout
    assert " in " in done.stdout.splitlines()[-1], done.stdout


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_run_ends_at_its_deadline_with_its_closing_line(processes: str, tmp_path: Path) -> None:
    (tmp_path / "test_a_quiet.py").write_text(QUIET)
    (tmp_path / "test_b_long.py").write_text("import time\ndef test_long(): time.sleep(300)\n")
    done, seconds = run(tmp_path, "-n", processes, "-o", "run_deadline=4")
    assert done.returncode != 0
    assert seconds < 60
    assert "ended at its deadline of 4 s" in done.stdout
    assert "test_long" in done.stdout or "test_b_long" in done.stdout
    assert "8 passed" in done.stdout.splitlines()[-1], done.stdout


def test_a_run_without_faults_ends_as_ever(tmp_path: Path) -> None:
    (tmp_path / "test_a_quiet.py").write_text(QUIET)
    done, _ = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("8 passed")


def test_a_check_that_does_not_end_is_stopped_with_what_it_started(tmp_path: Path) -> None:
    started = time.monotonic()
    status = checks.ended_with(
        [
            sys.executable,
            "-c",
            "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(300)'])",
        ],
        tmp_path,
        dict(os.environ),
        None,
        2.0,
    )
    assert status is None
    assert time.monotonic() - started < 30
