"""`cloakroom service`: the daemon with the person's session, installed, started, stopped and taken away."""

import argparse
from collections.abc import Callable
from dataclasses import asdict

from daemon.commands.console import FAILED, OK, Subparsers, add_command, chosen_state, complain, echo, print_json
from daemon.service import manager as service
from daemon.service import units
from daemon.service.running import Running, running
from daemon.state.settings import SettingsError, read


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "service", "Run the daemon with your session: systemd, launchd or Windows' Task Scheduler.")
    parser.add_argument("action", choices=("install", "status", "start", "stop", "uninstall"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    actions: dict[str, Callable[[], service.Condition]] = {
        # The daemon would not start with settings that cannot be read: better to hear of it now.
        "install": lambda: service.install(read().values.port),
        "start": service.start,
        "stop": service.stop,
        "uninstall": service.uninstall,
    }
    try:
        condition = actions.get(args.action, service.condition)()
    except (service.ServiceError, SettingsError) as problem:
        complain(args, str(problem))
        return FAILED
    if args.json:
        print_json({**asdict(condition), "files": [str(file) for file in units.files()]})
    else:
        echo(_sentence(condition, running(chosen_state(args))))
    return OK


def _sentence(condition: service.Condition, daemon: Running | None) -> str:
    """How the service is, and the daemon, which may run without it."""
    installed = "installed" if condition.installed else "not installed"
    if condition.running:
        return f"{installed}, running ({condition.manager}: {condition.said})"
    advice = f"Next: `cloakroom service {'start' if condition.installed else 'install'}`."
    if daemon:
        return f"{installed} as a service; the daemon runs, started by hand (process {daemon.pid})"
    if condition.said == service.NO_ANSWER:
        return f"{installed}, not running. {service.by_hand()}"
    return f"{installed}, not running ({condition.manager}: {condition.said}). {advice}"
