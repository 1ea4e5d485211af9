"""Finds the browsers and Node.js that the demo and the tests drive; on Debian, as root, installs what is missing."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from report import Report, StopInstallingError


@dataclass(frozen=True)
class Program:
    """Something to be found on the path under one of its names."""

    name: str
    commands: tuple[str, ...]
    debian: tuple[str, ...]
    elsewhere: str

    def found(self) -> str | None:
        return next((path for path in map(shutil.which, self.commands) if path), None)


CHROMIUM = Program(
    "Chromium",
    ("chromium", "chromium-browser"),
    ("chromium",),
    "install Chromium (Google Chrome no longer loads extensions from the command line), so that `chromium` is on the path",
)
FIREFOX = Program("Firefox", ("firefox-esr", "firefox"), ("firefox-esr",), "install Firefox, so that `firefox` is on the path")
NODE = Program("Node.js", ("node",), ("nodejs", "npm"), "install Node.js 20 or newer, so that `node` and `npm` are on the path")


def may_use_apt() -> bool:
    return Path("/etc/debian_version").is_file() and os.name == "posix" and os.geteuid() == 0


def need(report: Report, *programs: Program) -> None:
    """Make sure of these programs; StopInstallingError says exactly what to install."""
    missing = [program for program in programs if program.found() is None]
    for program in programs:
        if program not in missing:
            report.say("programs", f"{program.name} found")
    if not missing:
        return
    packages = [package for program in missing for package in program.debian]
    if not may_use_apt():
        if Path("/etc/debian_version").is_file():
            advice = f"run: sudo apt-get install {' '.join(packages)}"
        else:
            advice = "; ".join(program.elsewhere for program in missing)
        raise StopInstallingError(f"{', '.join(program.name for program in missing)} not found: {advice}")
    report.say("programs", f"installing {' '.join(packages)} with apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", *packages]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StopInstallingError(f"`{' '.join(command)}` failed: {done.stderr.strip()[-800:]}")
    still = [program.name for program in missing if program.found() is None]
    if still:
        raise StopInstallingError(f"apt-get installed {' '.join(packages)}, yet {', '.join(still)} is not on the path")
