"""`cloakroom dashboard`: the daemon's numbers as plots, in the browser, for as long as this command runs."""

import argparse
import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from daemon.commands.console import (
    FAILED,
    NO_DAEMON,
    OK,
    Subparsers,
    add_command,
    chosen_state,
    complain,
    echo,
    print_json,
    when_signalled,
)
from daemon.dashboard.site import TOKEN_SECONDS, Site
from daemon.metrics.reader import NoMetricsError, read_metrics, samples
from daemon.state.folder import write_private

IDLE_SECONDS: Final = 600.0
"""Seconds without a request after which it ends; a page in the background asks once a minute at least."""


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "dashboard", "Show how the daemon is, as plots in your browser, until Ctrl+C.")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    try:
        read_metrics(chosen_state(args))
    except NoMetricsError as problem:
        complain(args, str(problem))
        return NO_DAEMON
    try:
        asyncio.run(_serve(args))
    except OSError as problem:
        complain(args, f"The dashboard cannot be served ({problem.strerror}). Try `cloakroom status --metrics`.")
        return FAILED
    except KeyboardInterrupt:
        pass
    return OK


async def _serve(args: argparse.Namespace) -> None:
    state = chosen_state(args)
    site = Site(lambda: list(samples(read_metrics(state))))
    address = await site.start()
    stop = asyncio.Event()
    when_signalled(stop.set, signal.SIGINT, signal.SIGTERM)
    try:
        if args.json:
            print_json({"url": address})
        else:
            echo(f"The dashboard is at\n  {address}")
            echo(f"This address works once, within {TOKEN_SECONDS:.0f} seconds. Ctrl+C ends it.")
        with _doorway(state, address) as doorway:
            if not args.no_browser and _has_screen():
                await asyncio.to_thread(webbrowser.open, doorway.as_uri())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TOKEN_SECONDS)
        while not stop.is_set() and time.monotonic() - site.asked < IDLE_SECONDS:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TOKEN_SECONDS)
    finally:
        await site.stop()


@contextlib.contextmanager
def _doorway(state: Path, address: str) -> Iterator[Path]:
    """A file of this user's that leads to the address: what a browser is started with, other users can see."""
    path = state / f"dashboard-{secrets.token_hex(4)}.html"
    lead = f'<meta http-equiv="refresh" content="0; url={address}">'
    write_private(path, f'<!doctype html><meta charset="utf-8"><title>Cloakroom</title>{lead}'.encode())
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _has_screen() -> bool:
    """Whether there is a desktop to open a browser on, and not just a browser for the terminal."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
