"""The files for each system's service manager: systemd user units, a launchd agent or a Windows logon task.

No part of it needs more rights than the person has. Standard library only, as in `manager`.
"""

import os
import platform
import plistlib
import sys
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from daemon import DEFAULT_PORT

NAME: Final = "cloakroom"
LAUNCHD_LABEL: Final = "org.cloakroom.daemon"
STOP_SECONDS: Final = 30
"""Time in which a running photo is finished or handed back; see `DRAIN_SECONDS` in daemon/commands/serve.py."""


def program() -> Path:
    """The `cloakroom` command of this very environment."""
    return Path(sys.executable).with_name("cloakroom.exe" if os.name == "nt" else "cloakroom")


PYTHON_GONE_STATUS: Final = 78
"""The exit status where Cloakroom's Python is gone: starting it again would not help."""

LAUNCH: Final = (
    f'"$0" -P -c "import daemon" 2>/dev/null || {{ echo "$1" >&2; exit {PYTHON_GONE_STATUS}; }}; '
    'exec "$0" -P -m daemon.cli serve'
)
"""A shell command: start the daemon by the Python in `$0`, or print the sentence in `$1` where that Python is gone."""


def repair_advice() -> str:
    """Return the advice where this environment's Python is gone, as after an upgrade of the system."""
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "install" / "__main__.py").is_file():
        return f"The Python of Cloakroom's environment is gone. In the folder {checkout} run: python3 install"
    return "The Python of Cloakroom's environment is gone. Install Cloakroom again."


def systemd_service() -> str:
    """Return the unit: notified, watched, restarted within limits, without rights that it does not need."""
    return f"""[Unit]
Description=Cloakroom: cloaks photos before they leave the browser
Requires={NAME}.socket
After={NAME}.socket
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart=/bin/sh -c '{LAUNCH.replace("$", "$$")}' {_quoted(sys.executable)} {_quoted(repair_advice())}
Restart=on-failure
RestartPreventExitStatus={PYTHON_GONE_STATUS}
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
    """Return the socket's unit, which listens before the daemon does: the first browser starts it."""
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
            "ProgramArguments": ["/bin/sh", "-c", LAUNCH, sys.executable, repair_advice()],
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 10,
            "ExitTimeOut": STOP_SECONDS,
            "ProcessType": "Background",
            "Umask": 0o077,
        }
    )


def windows_task() -> str:
    """Return the task for Task Scheduler: at logon, with the person's own rights, restarted when it fails."""
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
    """Return the content of each file for this system's service manager; only systemd is told the port."""
    system = platform.system()
    if system == "Darwin":
        return {Path.home() / "Library" / "LaunchAgents" / f"{LAUNCHD_LABEL}.plist": launchd_agent()}
    if system == "Windows":
        # Kept by the scheduler; the file is only how it is told.
        return {Path(os.environ.get("LOCALAPPDATA") or Path.home()) / NAME / "task.xml": windows_task().encode("utf-16")}
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    units = settings / "systemd" / "user"
    return {units / f"{NAME}.service": systemd_service().encode(), units / f"{NAME}.socket": systemd_socket(port).encode()}
