"""Finds the browsers and their display that the demo and the tests drive; on Debian, as root, installs what is missing."""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass

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
XVFB = Program(
    "Xvfb", ("Xvfb",), ("xvfb",), "install Xvfb, the display that Firefox is tested on, so that `Xvfb` is on the path"
)


def on_debian() -> bool:
    """Debian itself: its relatives name and package their browsers otherwise."""
    try:
        return platform.freedesktop_os_release().get("ID") == "debian"
    except OSError:
        return False


def may_use_apt() -> bool:
    return on_debian() and os.geteuid() == 0


def for_browser(arguments: list[str]) -> tuple[Program, ...]:
    """Return the programs that the demo needs for the browser that its arguments ask for."""
    if not any(argument in ("firefox", "--browser=firefox") for argument in arguments):
        return (CHROMIUM,)
    has_display = platform.system() != "Linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return (FIREFOX,) if has_display else (FIREFOX, XVFB)


def apt_install(report: Report, *packages: str) -> None:
    report.say("programs", f"installing {' '.join(packages)} with apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", *packages]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StopInstallingError(f"`{' '.join(command)}` failed: {done.stderr.strip()[-800:]}")


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
        if on_debian():
            advice = f"run: sudo apt-get install {' '.join(packages)}"
        else:
            advice = "; ".join(program.elsewhere for program in missing)
        raise StopInstallingError(f"{', '.join(program.name for program in missing)} not found: {advice}")
    apt_install(report, *packages)
    still = [program.name for program in missing if program.found() is None]
    if still:
        raise StopInstallingError(f"apt-get installed {' '.join(packages)}, yet {', '.join(still)} is not on the path")
