"""Lets the daemon start with the person's session: a systemd user unit, a launchd agent or a Windows logon task."""

import os
import platform
import plistlib
import shutil
import subprocess
from pathlib import Path

from environment import BINARIES
from report import Report

LABEL = "cloakroom"
LAUNCHD_LABEL = "org.cloakroom.daemon"


def program() -> Path:
    return BINARIES / ("cloakroom.exe" if os.name == "nt" else "cloakroom")


def systemd_unit() -> str:
    """Without rights it does not need; the worker is a child of the same unit."""
    return f"""[Unit]
Description=Cloakroom: cloaks photos before they leave the browser

[Service]
ExecStart="{program()}" serve
Restart=on-failure
RestartSec=5
NoNewPrivileges=yes
LockPersonality=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
UMask=0077

[Install]
WantedBy=default.target
"""


def launchd_agent() -> bytes:
    return plistlib.dumps(
        {
            "Label": LAUNCHD_LABEL,
            "ProgramArguments": [str(program()), "serve"],
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "Umask": 0o077,
        }
    )


def service_file() -> Path | None:
    """Where this system's service file goes; none on Windows, whose scheduler keeps the task itself."""
    system = platform.system()
    if system == "Darwin":
        return Path.home() / "Library" / "LaunchAgents" / f"{LAUNCHD_LABEL}.plist"
    if system == "Windows":
        return None
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return settings / "systemd" / "user" / f"{LABEL}.service"


def commands(wanted: bool) -> list[list[str]]:
    """What switches the service on or off."""
    system = platform.system()
    file = service_file()
    if system == "Windows":
        if wanted:
            create = ["schtasks", "/Create", "/F", "/SC", "ONLOGON", "/TN", LABEL, "/TR", f'"{program()}" serve']
            return [create, ["schtasks", "/Run", "/TN", LABEL]]
        return [["schtasks", "/End", "/TN", LABEL], ["schtasks", "/Delete", "/F", "/TN", LABEL]]
    if system == "Darwin":
        return [["launchctl", "load" if wanted else "unload", "-w", str(file)]]
    if wanted:
        return [["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "enable", "--now", LABEL]]
    return [["systemctl", "--user", "disable", "--now", LABEL]]


def run_all(listed: list[list[str]]) -> bool:
    """Whether every command went well; one that is not there did not."""
    for command in listed:
        if shutil.which(command[0]) is None:
            return False
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            return False
    return True


def switch_on(report: Report) -> None:
    file = service_file()
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(launchd_agent() if platform.system() == "Darwin" else systemd_unit().encode())
        report.say("service", f"wrote {file}")
    if run_all(commands(wanted=True)):
        report.say("service", "the daemon runs and starts with your session")
    else:
        report.say("service", f"this session has no service manager: start the daemon with `{program()} serve`")


def switch_off(report: Report) -> None:
    file = service_file()
    if file is None or file.exists():
        # Each for itself: a task that does not run cannot be ended, and is to be deleted all the same.
        for command in commands(wanted=False):
            run_all([command])
    if file is not None and file.exists():
        file.unlink()
        report.say("service", f"removed {file}")
