"""Options, exit statuses and printing that all commands share."""

import argparse
import asyncio
import contextlib
import importlib
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TextIO

import platformdirs

from daemon.state.folder import state_folder
from daemon.wire.plain_text import plain_lines

OK: Final = 0
FAILED: Final = 1
"""Something asked for was not done; what, was said."""
USAGE: Final = 2
NO_DAEMON: Final = 3

START_HINT: Final = "No daemon is running. Start one with `cloakroom serve`."

Subparsers = Any
"""argparse's own type for this is private."""


def add_command(commands: Subparsers, name: str, summary: str, **more: str) -> argparse.ArgumentParser:
    """A command with --state and --json."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary, **more)
    parser.add_argument("--state", type=Path, metavar="DIR", help="state folder (or CLOAKROOM_STATE)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    return parser


def chosen_state(args: argparse.Namespace) -> Path:
    return state_folder(args.state)


def echo(text: str = "", *, file: TextIO | None = None, end: str = "\n", flush: bool = True) -> None:
    """Print lines for people: nothing of them moves the terminal's cursor, whoever they are from."""
    print(plain_lines(text), file=file or sys.stdout, end=end, flush=flush)


def print_json(value: object) -> None:
    print(json.dumps(value), flush=True)


def complain(args: argparse.Namespace, sentence: str) -> None:
    """Say what went wrong: on the error stream, and for programs as JSON."""
    if args.json:
        print_json({"error": sentence})
    else:
        echo(sentence, file=sys.stderr)


def has_wrong_seconds(args: argparse.Namespace) -> bool:
    """Return whether ``--seconds`` is given and below 1, and say so then."""
    # "nan" is a number to Python, and neither below 1 nor at least 1.
    is_wrong = args.seconds is not None and not args.seconds >= 1
    if is_wrong:
        complain(args, "--seconds takes a number from 1 on.")
    return is_wrong


def end_on_sigterm() -> None:
    """Have SIGTERM unwind the program, so that what it started ends with it; by default it dies where it stands."""

    def unwind(*_: object) -> None:
        sys.exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, unwind)


def when_signalled(action: Callable[[], object], *numbers: signal.Signals) -> None:
    """Have the running loop call this at these signals."""
    for number in numbers:
        # Windows' loop has no signal handlers; there Ctrl+C raises KeyboardInterrupt.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, action)


def megabytes(size: float) -> str:
    return f"{size / 1_000_000:.1f} MB"


def cache_folder() -> Path:
    """Return the folder of what can be made again at any time: kept parts of evaluations, and reports."""
    return platformdirs.user_cache_path("cloakroom", appauthor=False)


def deferred(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    """Return a command whose module is imported when it is run: with torch in it that takes seconds."""

    def run(args: argparse.Namespace) -> int:
        status: int = getattr(importlib.import_module(module), name)(args)
        return status

    return run
