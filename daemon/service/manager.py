"""Installs, starts, stops and removes the daemon as a service of the person's own session.

Uninstalling leaves nothing of it. Standard library only: the installer takes the service away where the environment is gone
already.
"""

import contextlib
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

from daemon import DEFAULT_PORT
from daemon.service.units import LAUNCHD_LABEL, NAME, files

NO_ANSWER: Final = "no answer"
"""In the place of the manager's word, where it says none or is not there."""

SECONDS: Final = 60.0
"""Time for a service manager to answer."""


class ServiceError(Exception):
    """The service manager is not there or refused; the text says what to do."""


@dataclass(frozen=True)
class Condition:
    """The service's condition: installed or not, running or not, and the manager's own word for it."""

    installed: bool
    running: bool
    manager: str
    said: str


def install(port: int = DEFAULT_PORT) -> Condition:
    """Write the files and start the service; doing it again changes nothing. Without a manager nothing is written.

    Args:
        port: that the settings have; they are not read here, because the installer has no library to do it with.

    Raises:
        ServiceError: there is no manager, or the files are there and it does not run them.
    """
    if not has_manager():
        raise ServiceError(by_hand())
    for file, text in files(port).items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    for command in _commands()["install"]:
        _run(command)
    return condition()


def uninstall() -> Condition:
    """Stop the service and remove its files, also where the manager is gone."""
    for command in _commands()["uninstall"]:
        # Each for itself: what does not run cannot be ended, and is to be removed all the same.
        _ask(command)
    for file in files():
        file.unlink(missing_ok=True)
    for command in _commands()["forget"]:
        _ask(command)
    for folder in {file.parent for file in files()}:
        with contextlib.suppress(OSError):
            folder.rmdir()
            folder.parent.rmdir()
    return condition()


def start() -> Condition:
    """Change whether the service runs. Raises: ServiceError, as `install` does."""
    for command in _commands()["start"]:
        _run(command)
    return condition()


def stop() -> Condition:
    """Change whether the service runs. Raises: ServiceError, as `install` does."""
    for command in _commands()["stop"]:
        _run(command)
    return condition()


def start_again() -> Condition:
    """Start the service, even if the manager has given it up. Raises: ServiceError, as `install` does."""
    for command in _commands()["again"]:
        _run(command)
    return condition()


def failure() -> str | None:
    """Why the service does not run, in systemd's word for it, or ``NO_ANSWER`` of systemd itself.

    None where nothing failed, and with managers that keep no such record.
    """
    if platform.system() in ("Darwin", "Windows"):
        return None
    said = condition().said
    if said not in ("failed", NO_ANSWER):
        return None
    done = _ask(_commands()["why"][0]) if said == "failed" else None
    return (done.stdout.strip() if done else "") or said


def has_manager() -> bool:
    """Whether this session has a manager that runs services: its program is there and, of systemd, answers."""
    program = _commands()["status"][0][0]
    if program != "systemctl":
        return shutil.which(program) is not None
    done = _ask([program, "--user", "show", "--property=Version"])
    return done is not None and done.returncode == 0


def by_hand() -> str:
    """How the daemon is started where no manager does it, in the words of this machine."""
    if platform.system() in ("Darwin", "Windows"):
        return "Nothing here starts Cloakroom with your session. Start it with `cloakroom serve`."
    return (
        "This session has no systemd that could start Cloakroom. Start it with `cloakroom serve`; to have it every day, enter "
        "that command among your desktop's startup programs."
    )


def main_pid() -> int | None:
    """The process that the manager runs as the service, None where it runs none or does not say."""
    commands = _commands()
    if "pid" not in commands:
        return None
    done = _ask(commands["pid"][0])
    found = re.search(r"\d+", done.stdout) if done else None
    return int(found[0]) or None if found else None


def condition() -> Condition:
    """Return the service's present condition."""
    (command,) = _commands()["status"]
    done = _ask(command)
    said = done.stdout.strip() if done else ""
    system = platform.system()
    if system == "Darwin":
        running = '"PID"' in said
    elif system == "Windows":
        running = "Running" in said
    else:
        running = said == "active"
    return Condition(all(file.exists() for file in files()), running, command[0], said or NO_ANSWER)


def _commands() -> dict[str, list[list[str]]]:
    """Return the commands of this system's manager for each change."""
    system = platform.system()
    first = str(next(iter(files())))
    if system == "Windows":
        begin, end = ["schtasks", "/Run", "/TN", NAME], ["schtasks", "/End", "/TN", NAME]
        return {
            "install": [["schtasks", "/Create", "/F", "/TN", NAME, "/XML", first], begin],
            "uninstall": [end, ["schtasks", "/Delete", "/F", "/TN", NAME]],
            "forget": [],
            "start": [begin],
            "again": [begin],
            "stop": [end],
            "status": [["schtasks", "/Query", "/TN", NAME, "/FO", "LIST"]],
        }
    if system == "Darwin":
        load, unload = ["launchctl", "load", "-w", first], ["launchctl", "unload", "-w", first]
        return {
            "install": [unload, load],
            "uninstall": [unload],
            "forget": [],
            "start": [load],
            "again": [load],
            "stop": [unload],
            "status": [["launchctl", "list", LAUNCHD_LABEL]],
            "pid": [["/bin/sh", "-c", f"launchctl list {LAUNCHD_LABEL} | grep PID"]],
        }
    control = ["systemctl", "--user"]
    units = [f"{NAME}.socket", f"{NAME}.service"]
    return {
        "install": [[*control, "daemon-reload"], [*control, "enable", "--now", *units]],
        "uninstall": [[*control, "disable", "--now", *units]],
        "forget": [[*control, "daemon-reload"], [*control, "reset-failed", units[1]]],
        "start": [[*control, "start", *units]],
        "again": [[*control, "reset-failed", *units], [*control, "start", *units]],
        "why": [[*control, "show", "--property=Result", "--value", units[1]]],
        "stop": [[*control, "stop", *units]],
        "pid": [[*control, "show", "--property=MainPID", "--value", units[1]]],
        "status": [[*control, "is-active", units[1]]],
    }


def _ask(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    """Run a manager's command and return its answer, None where there is no manager."""
    if shutil.which(command[0]) is None:
        return None
    try:
        # Every word of it stands in this file.
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None


def _run(command: list[str]) -> None:
    done = _ask(command)
    if done is None:
        raise ServiceError(by_hand())
    # launchd does not know what was never loaded.
    if done.returncode != 0 and "unload" not in command:
        why = done.stderr.strip().splitlines()
        raise ServiceError(f"{by_hand()} {command[0]} says: {why[-1] if why else 'refused'}.")
