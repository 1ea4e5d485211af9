"""Every check there is, in the order in which they fail fastest."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

from environment import BINARIES, PYTHON, ROOT
from report import Report, StopInstallingError

EXTENSION_TESTS = ROOT / "tests" / "extension"
DEADLINE = 80 * 60
"""Seconds for all checks together: CI ends them after 90 minutes, without a word. The tests have a shorter one of their own
(`run_deadline` in pyproject.toml), which names the test and leaves the runner its closing line."""

WIDGETS = ROOT / "tests" / "end_to_end" / "widgets"


def checks() -> list[tuple[str, list[str], Path]]:
    python, npm = str(PYTHON), str(BINARIES / "npm")
    return [
        ("style", [python, "-m", "ruff", "check", "."], ROOT),
        ("format", [python, "-m", "ruff", "format", "--check", "."], ROOT),
        ("types", [python, "-m", "mypy"], ROOT),
        ("node modules", [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], EXTENSION_TESTS),
        ("extension: style and types", [npm, "run", "--silent", "check"], EXTENSION_TESTS),
        ("extension: tests", [npm, "test", "--silent"], EXTENSION_TESTS),
        ("widgets: packages", [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], WIDGETS),
        ("widgets: bundles", [npm, "run", "--silent", "build"], WIDGETS),
        ("tests", [python, "-m", "pytest"], ROOT),
    ]


def run_checks(report: Report) -> None:
    """Run all of them, then fail if any failed: one session shows everything that is wrong."""
    # npm looks for node, and its scripts for both, on the path.
    environment = {**os.environ, "PATH": os.pathsep.join([str(BINARIES), os.environ.get("PATH", "")])}
    # What the checks print is for people; with --json the output holds our own lines alone.
    output = sys.stderr if report.as_json else None
    failed = []
    begun = time.monotonic()
    for name, command, folder in checks():
        started = time.monotonic()
        report.say(name, "running")
        status = ended_with(command, folder, environment, output, begun + DEADLINE - started)
        took = time.monotonic() - started
        verdict = {0: "passed", None: "FAILED: stopped at the deadline of all checks,"}.get(status, "FAILED")
        report.say(name, f"{verdict} in {took:.0f} s")
        if status != 0:
            failed.append(name)
    if failed:
        raise StopInstallingError(f"these checks failed: {', '.join(failed)}")


def ended_with(
    command: list[str], folder: Path, environment: dict[str, str], output: TextIO | None, seconds: float
) -> int | None:
    """Run one check; its exit status, or None where it was stopped, with all that it had started, after so many seconds."""
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=output, start_new_session=True) as running:
        try:
            return running.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            stop_group(running)
            return None
        except KeyboardInterrupt:
            # In a session of its own, it has not heard of it.
            stop_group(running)
            raise


def stop_group(running: "subprocess.Popen[bytes]") -> None:
    """End a process and the group that it leads."""
    if os.name == "nt":
        running.kill()
        return
    # SIGINT first: pytest then writes what it has.
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(10)
