"""`cloakroom status`: whether the daemon runs, what it works with and how busy it is."""

import argparse
import asyncio

import msgspec

from daemon.client import DaemonClient, NoDaemonError
from daemon.commands.console import (
    NO_DAEMON,
    OK,
    START_HINT,
    Subparsers,
    add_command,
    chosen_state,
    complain,
    echo,
    megabytes,
    print_json,
)
from daemon.metrics.reader import NoMetricsError, read_metrics, samples
from daemon.wire.plain_text import plain
from daemon.wire.protocol import ModelSet, State

MODELS: dict[ModelSet, str] = {
    "embedded": "embedded models, for demonstration only: real machines may still read the photos",
    "pretrained": "pretrained models, real networks that others trained",
    "full": "full models, the official ones",
}


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "status", "Say how the running daemon is.")
    parser.add_argument("--metrics", action="store_true", help="print its metrics, in the text format of Prometheus")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.metrics:
        return _print_metrics(args)
    try:
        state, port, version = asyncio.run(_ask(args))
    except NoDaemonError:
        complain(args, START_HINT)
        return NO_DAEMON
    if args.json:
        told = msgspec.to_builtins(state)
        del told["type"]
        print_json({**told, "port": port, "version": version})
        return OK
    echo(f"running     on 127.0.0.1:{port} for {state.uptime:.0f} s, version {plain(version)}")
    echo(f"worker      {state.worker}, device {plain(state.device)}, {MODELS[state.models]}")
    echo(f"protectors  {plain(', '.join(state.protectors))}")
    echo(f"photos      {state.running} running, {state.queued} waiting")
    echo(f"browsers    {state.clients} paired")
    echo(f"memory      {megabytes(state.front_rss)} front, {megabytes(state.worker_rss)} worker")
    return OK


def _print_metrics(args: argparse.Namespace) -> int:
    try:
        text = read_metrics(chosen_state(args))
    except NoMetricsError as problem:
        complain(args, str(problem))
        return NO_DAEMON
    if args.json:
        print_json({"metrics": [msgspec.to_builtins(sample) for sample in samples(text)]})
    else:
        echo(text, end="")
    return OK


async def _ask(args: argparse.Namespace) -> tuple[State, int, str]:
    async with await DaemonClient.open_local(chosen_state(args)) as client:
        return await client.status(), client.port, client.welcome.version
