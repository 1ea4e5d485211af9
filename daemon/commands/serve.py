"""`cloakroom serve`: the daemon in the foreground, until SIGINT or SIGTERM.

The photo that runs is finished first; a second signal does not wait for it.
"""

import argparse
import asyncio
import gc
import os
import signal
from pathlib import Path

from daemon.cluster.joining import ClusterError
from daemon.commands.console import (
    FAILED,
    OK,
    USAGE,
    Subparsers,
    add_command,
    chosen_state,
    complain,
    echo,
    print_json,
    when_signalled,
)
from daemon.front.backend import Backend
from daemon.front.descriptors import ask_for_more
from daemon.front.jobs import QueueSettings
from daemon.front.server import Server, ServerSettings
from daemon.front.watch import Watch, default_memory
from daemon.log import configure
from daemon.models.store import model_folder
from daemon.service.notify import feed_watchdog, inherited_sockets, tell
from daemon.state.folder import StateError
from daemon.state.settings import KEYS, SettingsError, Values, read, shown, worker_seconds, worker_threads
from daemon.wire.worker_settings import WorkerSettings
from daemon.worker.process import main as worker_main

OPTIONS = ("port", "device", "threads", "seconds", "deadline", "memory", "worker", "log", "metrics")
"""Settings that only the daemon heeds, so that its command line takes them too."""


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "serve",
        "Run the daemon that browsers send their photos to.",
        epilog="What is not given here is taken from the settings: see `cloakroom settings`.",
    )
    for name in OPTIONS:
        key = KEYS[name]
        about = f"{key.about} Takes {key.takes}. By default {shown(key.default)}."
        parser.add_argument(f"--{name}", metavar=name.upper(), help=about.replace("%", "%%"))
    parser.add_argument(
        "--backend", choices=("worker", "ray"), default="worker", help="what cloaks: a process, or Ray Serve (%(default)s)"
    )
    parser.add_argument(
        "--backend-address", metavar="URL", help="of another machine's `cloakroom cluster` (one on this machine)"
    )
    parser.add_argument("--backend-token", type=Path, metavar="FILE", help="its cluster.token, copied from there")
    parser.add_argument("--backend-ca", type=Path, metavar="FILE", help="its certificate, where it has signed it itself")
    parser.add_argument("--verbose", action="store_const", dest="log", const="debug", help="the same as --log debug")
    parser.set_defaults(run=run)


def settings_of(state: Path, values: Values, backend: Backend | None = None) -> ServerSettings:
    """Return the settings that the daemon of a state folder runs with."""
    memory = default_memory() if values.memory == "auto" else values.memory
    return ServerSettings(
        state=state,
        entry=worker_main,
        port=values.port,
        listeners=tuple(inherited_sockets()),
        worker=WorkerSettings(
            device=values.device,
            model_folder=model_folder(state),
            threads=worker_threads(values),
            seconds=worker_seconds(values),
        ),
        queue=QueueSettings(deadline=values.deadline),
        watch=Watch(memory=memory),
        worker_start=values.worker,
        metrics=values.metrics,
        backend=backend,
    )


def backend_of(args: argparse.Namespace, state: Path, values: Values) -> Backend | None:
    """None for the worker process.

    Raises:
        ClusterError: the cluster that was asked for cannot be had, or must not be used.
    """
    if args.backend == "worker":
        return None
    from daemon.cluster.launching import LocalCluster, Remote
    from daemon.cluster.serve_backend import ServeBackend

    if args.backend_address is not None:
        return ServeBackend(Remote(args.backend_address, args.backend_token, args.backend_ca))
    # One photo at a time, as with the worker process, and as quickly.
    threads = worker_threads(values) or os.cpu_count() or 1
    seconds = worker_seconds(values)
    limit = () if seconds is None else ("--seconds", str(seconds))
    return ServeBackend(LocalCluster(state, "--device", values.device, "--workers", "1", "--threads", str(threads), *limit))


def run(args: argparse.Namespace) -> int:
    try:
        values = read({name: getattr(args, name) for name in OPTIONS}).values
    except SettingsError as problem:
        complain(args, str(problem))
        return USAGE
    configure(values.log)
    ask_for_more()
    state = chosen_state(args)
    try:
        asyncio.run(_serve(args, settings_of(state, values, backend_of(args, state, values))))
    except (StateError, ClusterError) as problem:
        complain(args, str(problem))
        return FAILED
    return OK


DRAIN_SECONDS = 20.0
"""Less than service managers wait before they kill: see `STOP_SECONDS` in daemon/service/units.py."""


async def _drain(server: Server, hurry: asyncio.Event) -> None:
    tasks = {asyncio.create_task(server.drain(DRAIN_SECONDS)), asyncio.create_task(hurry.wait())}
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(args: argparse.Namespace, settings: ServerSettings) -> None:
    server = Server(settings)
    stop, hurry = asyncio.Event(), asyncio.Event()

    def end() -> None:
        (hurry if stop.is_set() else stop).set()

    when_signalled(end, signal.SIGINT, signal.SIGTERM)
    await server.start()
    # What is here now stays: the collector need not look through it each time that a crowd has left its circles.
    gc.freeze()
    tell("READY=1")
    watchdog = asyncio.create_task(feed_watchdog(lambda: server.backend.is_alive))
    try:
        if args.json:
            print_json({"listening": f"127.0.0.1:{server.port}", "port": server.port, "pid": server.access.pid})
        else:
            echo(f"listening on 127.0.0.1:{server.port}")
        await stop.wait()
        tell("STOPPING=1")
        await _drain(server, hurry)
    finally:
        watchdog.cancel()
        await server.stop()
