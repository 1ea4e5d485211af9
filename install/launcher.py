"""The command `cloakroom` where the person's shell finds it: a few lines that start this folder's Cloakroom."""

import contextlib
import os
import shlex
from pathlib import Path

from environment import PYTHON, ROOT
from report import Report

MARK = "Made by Cloakroom's installer"
"""In the file, so that nothing of somebody else's is overwritten or deleted."""

POSIX = """#!/bin/sh
# {mark}; `python3 install uninstall` removes it.
python={python}
if ! "$python" -P -c "import daemon" 2>/dev/null; then
    echo "cloakroom: its Python environment does not work any more. In the folder "{folder}" run: python3 install" >&2
    exit 78
fi
exec "$python" -P -m daemon.cli "$@"
"""
WINDOWS = """@echo off
rem {mark}; "python install uninstall" removes it.
"{python}" -P -c "import daemon" 2>nul
if errorlevel 1 (
    echo cloakroom: its Python environment does not work any more. In the folder "{folder}" run: python install 1>&2
    exit /b 78
)
"{python}" -P -m daemon.cli %*
"""


def command() -> Path:
    """Return its path, in a folder of the person's own that shells search."""
    if os.name == "nt":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "Microsoft" / "WindowsApps" / "cloakroom.cmd"
    return Path.home() / ".local" / "bin" / "cloakroom"


def is_ours(path: Path) -> bool:
    """Whether an installer of Cloakroom wrote it; a link is somebody else's, whatever it leads to."""
    try:
        return not path.is_symlink() and MARK in path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def text() -> str:
    if os.name == "nt":
        return WINDOWS.format(mark=MARK, python=PYTHON, folder=ROOT)
    return POSIX.format(mark=MARK, python=shlex.quote(str(PYTHON)), folder=shlex.quote(str(ROOT)))


def place(report: Report) -> str:
    """Write it, and say where it is and what to do where shells do not look there; how it is called from now on."""
    path = command()
    if (path.exists() or path.is_symlink()) and not is_ours(path):
        report.say("command", f"{path} is another program's and stays; start Cloakroom with {PYTHON} -P -m daemon.cli")
        return f"{PYTHON} -P -m daemon.cli"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")
        path.chmod(0o755)
    except OSError as problem:
        report.say("command", f"{path} cannot be written ({problem.strerror}); start Cloakroom with {PYTHON} -P -m daemon.cli")
        return f"{PYTHON} -P -m daemon.cli"
    report.say("command", f"cloakroom is {path}")
    if path.parent not in map(Path, os.environ.get("PATH", "").split(os.pathsep)):
        report.say("command", f"your shell does not look there yet: {advice(path.parent)}")
    return "cloakroom"


def advice(folder: Path) -> str:
    """How shells are told to look into a folder."""
    if os.name == "nt":
        return f'add it under "Edit environment variables for your account", Path: {folder}'
    if os.environ.get("SHELL", "").endswith("fish"):
        return f"run `fish_add_path {folder}`"
    file = "~/.zshrc" if os.environ.get("SHELL", "").endswith("zsh") else "~/.profile"
    line = f'export PATH="{folder}:$PATH"'
    return f"log in anew, or run `{line}`; if that does not last, add that line to {file}"


def remove(report: Report) -> None:
    """Take it away, and the folders that are empty without it."""
    path = command()
    if not is_ours(path):
        return
    path.unlink()
    report.say("command", f"removed {path}")
    if os.name != "nt":
        prune(path.parent)


def prune(folder: Path) -> None:
    """Remove a folder of the person's home and those above it, as long as they are empty."""
    with contextlib.suppress(OSError):
        while folder != Path.home() and Path.home() in folder.parents:
            folder.rmdir()
            folder = folder.parent
