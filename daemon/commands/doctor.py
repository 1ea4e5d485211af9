"""`cloakroom doctor`: look at everything that has to work, and say what to do about what does not."""

import argparse
import asyncio
import os
import shutil
import socket
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from daemon import DEFAULT_PORT
from daemon.client import DaemonClient, NoDaemonError
from daemon.commands.console import FAILED, OK, Subparsers, add_command, chosen_state, print_json
from daemon.log import configure
from daemon.models import model_folder, verify
from daemon.state import StateError, prepare
from daemon.supervisor import Supervisor, WorkerLostError
from daemon.worker import WorkerSettings
from protectors.manifest import entries

WORKER_SECONDS = 180.0

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "firefox", "firefox-esr", "brave-browser")
BROWSER_FILES = (
    Path("/Applications/Google Chrome.app"),
    Path("/Applications/Chromium.app"),
    Path("/Applications/Firefox.app"),
    Path("C:/Program Files/Google/Chrome/Application/chrome.exe"),
    Path("C:/Program Files/Mozilla Firefox/firefox.exe"),
)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `advice` is empty where all is well."""

    name: str
    good: bool
    found: str
    advice: str = ""


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "doctor", "Check that everything works, and say what to do where it does not.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port that the daemon shall have (%(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    configure()
    findings = asyncio.run(_examine(args))
    if args.json:
        print_json({"findings": [asdict(finding) for finding in findings], "good": all(f.good for f in findings)})
    else:
        for finding in findings:
            print(f"{'ok  ' if finding.good else 'FAIL'} {finding.name}: {finding.found}")
            if finding.advice:
                print(f"     {finding.advice}")
    return OK if all(finding.good for finding in findings) else FAILED


async def _examine(args: argparse.Namespace) -> list[Finding]:
    state = chosen_state(args)
    return [
        state_finding(state),
        await port_finding(state, args.port),
        *models_findings(state),
        await worker_finding(state),
        browser_finding(),
    ]


def state_finding(state: Path) -> Finding:
    """The folder is ours alone, and so is every file in it."""
    name = "state folder"
    try:
        prepare(state)
    except StateError as problem:
        return Finding(name, False, str(state), str(problem))
    if os.name == "posix":
        files = [path for path in state.rglob("*") if path.is_file()]
        readable = [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
        if readable:
            return Finding(name, False, f"others can read {readable[0]}", f"Run: chmod -R go= '{state}'")
    return Finding(name, True, f"{state}, for you alone")


async def port_finding(state: Path, port: int) -> Finding:
    """Our daemon answers, or the port is free for it."""
    try:
        async with await DaemonClient.open_local(state) as client:
            return Finding("port", True, f"the daemon answers on {client.port}")
    except NoDaemonError:
        pass
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            advice = f"Stop what listens there, or start with another: `cloakroom serve --port {port + 1}`."
            return Finding("port", False, f"{port} is taken by something else", advice)
    return Finding("port", True, f"{port} is free; no daemon runs, start it with `cloakroom serve`")


def models_findings(state: Path) -> list[Finding]:
    """Every model that is here is what it should be."""
    verdicts = [(own, verify(own, model_folder(state))) for own in entries()]
    findings = [
        Finding(
            "models",
            False,
            f"{own.name} is damaged",
            "Install Cloakroom again." if own.file else f"Run `cloakroom models pull {own.name}`.",
        )
        for own, verdict in verdicts
        if verdict == "damaged"
    ]
    here = [own.name for own, verdict in verdicts if verdict == "ok"]
    return findings or [Finding("models", True, f"{', '.join(here)} are here and right")]


async def worker_finding(state: Path) -> Finding:
    """A worker starts, loads its models and says what it computes on."""
    supervisor = Supervisor(WorkerSettings(model_folder=model_folder(state)))
    supervisor.start()
    try:
        async with asyncio.timeout(WORKER_SECONDS):
            facts = await supervisor.started()
    except (WorkerLostError, TimeoutError):
        advice = "Run `cloakroom models verify`; if that is well, install Cloakroom again."
        return Finding("worker", False, "it does not start", advice)
    finally:
        await supervisor.stop()
    return Finding("worker", True, f"starts; computes on {facts.device} with {facts.models} models")


def browser_finding() -> Finding:
    found = [name for name in BROWSERS if shutil.which(name)]
    found += [path.stem for path in BROWSER_FILES if path.exists()]
    if not found:
        return Finding("browser", False, "none was found", "Install Chromium or Firefox, then add the extension.")
    return Finding("browser", True, ", ".join(found))
