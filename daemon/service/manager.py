"""The daemon as a service of the person's own session: systemd user units, a launchd agent or a Windows logon task.

No part of it needs more rights than the person has, and uninstalling leaves nothing of it. Standard library only: the
installer takes the service away where the environment is gone already.
"""

import contextlib
import os
import platform
import plistlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from daemon import DEFAULT_PORT

NAME: Final = "cloakroom"
LAUNCHD_LABEL: Final = "org.cloakroom.daemon"
STOP_SECONDS: Final = 30
"""Within which a running photo is finished or handed back; see `cloakroom serve`."""

NO_ANSWER: Final = "no answer"
"""In the place of the manager's word, where it says none or is not there."""

SECONDS: Final = 60.0
"""For a service manager to answer."""


class ServiceError(Exception):
    """The service manager is not there or refused; the text says what to do."""


@dataclass(frozen=True)
class Condition:
    """How the service is: installed or not, running or not, and the manager's own word for it."""

    installed: bool
    running: bool
    manager: str
    said: str


def program() -> Path:
    """The `cloakroom` command of this very environment."""
    return Path(sys.executable).with_name("cloakroom.exe" if os.name == "nt" else "cloakroom")


BROKEN: Final = 78
"""The exit status where Cloakroom's Python is gone: starting it again would not help."""

LAUNCH: Final = (
    f'"$0" -P -c "import daemon" 2>/dev/null || {{ echo "$1" >&2; exit {BROKEN}; }}; exec "$0" -P -m daemon.cli serve'
)
"""For a shell: start the daemon by the Python that is given first, or say the sentence that is given second."""


def mending() -> str:
    """What to say where this environment's Python is gone, as after an upgrade of the system."""
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "install" / "__main__.py").is_file():
        return f"The Python of Cloakroom's environment is gone. In the folder {checkout} run: python3 install"
    return "The Python of Cloakroom's environment is gone. Install Cloakroom again."


def systemd_service() -> str:
    """Notified, watched, restarted within limits, and without rights that it does not need; the worker is its child."""
    return f"""[Unit]
Description=Cloakroom: cloaks photos before they leave the browser
Requires={NAME}.socket
After={NAME}.socket
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart=/bin/sh -c '{LAUNCH.replace("$", "$$")}' {_quoted(sys.executable)} {_quoted(mending())}
Restart=on-failure
RestartPreventExitStatus={BROKEN}
RestartSec=5
WatchdogSec=90
TimeoutStopSec={STOP_SECONDS}
KillMode=mixed
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap

[Install]
WantedBy=default.target
Also={NAME}.socket
"""


def _quoted(word: str) -> str:
    """One word of a systemd unit's command line."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def systemd_socket(port: int = DEFAULT_PORT) -> str:
    """Listens before the daemon does: a browser that comes first wakes it."""
    return f"""[Unit]
Description=Cloakroom's door for browsers on this machine

[Socket]
ListenStream=127.0.0.1:{port}

[Install]
WantedBy=sockets.target
"""


def launchd_agent() -> bytes:
    return plistlib.dumps(
        {
            "Label": LAUNCHD_LABEL,
            "ProgramArguments": ["/bin/sh", "-c", LAUNCH, sys.executable, mending()],
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 10,
            "ExitTimeOut": STOP_SECONDS,
            "ProcessType": "Background",
            "Umask": 0o077,
        }
    )


def windows_task() -> str:
    """For Task Scheduler: at logon, with the person's own rights, restarted when it fails."""
    return f"""<?xml version="1.0"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>Cloakroom: cloaks photos before they leave the browser</Description></RegistrationInfo>
  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>
  <Principals>
    <Principal id="person"><LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel></Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>5</Count></RestartOnFailure>
  </Settings>
  <Actions Context="person"><Exec><Command>{escape(str(program()))}</Command><Arguments>serve</Arguments></Exec></Actions>
</Task>
"""


def files(port: int = DEFAULT_PORT) -> dict[Path, bytes]:
    """What this system's service manager reads, and where; only systemd is told the port, the daemon knows it."""
    system = platform.system()
    if system == "Darwin":
        return {Path.home() / "Library" / "LaunchAgents" / f"{LAUNCHD_LABEL}.plist": launchd_agent()}
    if system == "Windows":
        # Kept by the scheduler; the file is only how it is told.
        return {Path(os.environ.get("LOCALAPPDATA") or Path.home()) / NAME / "task.xml": windows_task().encode("utf-16")}
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    units = settings / "systemd" / "user"
    return {units / f"{NAME}.service": systemd_service().encode(), units / f"{NAME}.socket": systemd_socket(port).encode()}


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
    """Raises: ServiceError, as `install` does."""
    for command in _commands()["start"]:
        _run(command)
    return condition()


def stop() -> Condition:
    """Raises: ServiceError, as `install` does."""
    for command in _commands()["stop"]:
        _run(command)
    return condition()


def start_again() -> Condition:
    """Also where the manager has given it up. Raises: ServiceError, as `install` does."""
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
    """How it is now."""
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
    """What each change is to this system's manager."""
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
    """What a manager answers, None where there is none."""
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
