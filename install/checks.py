"""Every check there is, in the order in which they fail fastest."""

import os
import subprocess
import sys
import time
from pathlib import Path

from environment import BINARIES, PYTHON, ROOT
from report import Report, StopInstallingError

EXTENSION_TESTS = ROOT / "tests" / "extension"
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
    for name, command, folder in checks():
        started = time.monotonic()
        report.say(name, "running")
        done = subprocess.run(command, cwd=folder, env=environment, stdout=output, check=False)
        took = time.monotonic() - started
        report.say(name, f"{'passed' if done.returncode == 0 else 'FAILED'} in {took:.0f} s")
        if done.returncode != 0:
            failed.append(name)
    if failed:
        raise StopInstallingError(f"these checks failed: {', '.join(failed)}")
