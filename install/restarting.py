"""The daemon that runs while Cloakroom is installed again or taken away: named, and ended or started anew."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass

from environment import PYTHON, ROOT
from report import Report, StopInstallingError

START_SECONDS = 60.0
"""On a slow machine, until it listens; the models load afterwards."""


@dataclass(frozen=True)
class Running:
    """A daemon that runs now, as ``daemon.service.running`` tells it."""

    pid: int
    command: tuple[str, ...]
    by_service: bool

    def __str__(self) -> str:
        return f"process {self.pid} (`{' '.join(self.command)}`)"


def running() -> Running | None:
    """The person's daemon; None where none runs, or where there is no environment yet that could tell."""
    return _asked()


def end(daemon: Running) -> None:
    """Raises: StopInstallingError, where it does not end."""
    _asked("end")
    if _asked():
        raise StopInstallingError(f"the daemon, {daemon}, does not end: end it with `kill {daemon.pid}`, then run this again")


def _asked(*words: str) -> Running | None:
    try:
        done = subprocess.run(
            [str(PYTHON), "-P", "-m", "daemon.service.running", *words], capture_output=True, text=True, check=False, timeout=90
        )
        told = json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return Running(told["pid"], tuple(told["command"]), told["by_service"]) if told else None


def wanted(report: Report, daemon: Running, chosen: bool | None) -> bool:
    """Whether the running daemon shall be started anew: as chosen on the command line, else as the person answers.

    Where nobody can answer, the service is started anew, and what a person started by hand is left to that person.
    """
    if chosen is not None:
        return chosen
    if report.as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return daemon.by_service
    answer = input(f"The daemon runs with the code of before: {daemon}. Start it anew? [Y/n] ")
    return answer.strip().lower() in ("", "y", "yes")


def leave(report: Report, daemon: Running) -> None:
    report.say("daemon", f"{daemon} goes on with the code of before; `python3 install --restart` starts it anew")


def start_again(report: Report, daemon: Running) -> None:
    """Start what was started by hand, with the same arguments, by this environment's Python, and wait until it runs.

    Raises:
        StopInstallingError: it does not.
    """
    words = list(daemon.command)
    arguments = words[words.index("serve") :] if "serve" in words else ["serve"]
    started = subprocess.Popen(
        [str(PYTHON), "-P", "-m", "daemon.cli", *arguments],
        cwd=ROOT.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    end = time.monotonic() + START_SECONDS
    while running() is None:
        if started.poll() is not None or time.monotonic() > end:
            raise StopInstallingError(f"the daemon does not start: run `{' '.join(daemon.command)}` in a terminal and read why")
        time.sleep(0.5)
    report.say("daemon", f"started anew as process {started.pid}, with the same arguments as before")
