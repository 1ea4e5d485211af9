"""`cloakroom serve`: the daemon in the foreground, until SIGINT or SIGTERM.

The photo that runs is finished first; a second signal does not wait for it.
"""

import argparse
import asyncio
import contextlib
import os
import signal
from pathlib import Path

from daemon import DEFAULT_PORT
from daemon.backend import Backend
from daemon.cluster.joining import ClusterError
from daemon.commands.console import FAILED, OK, Subparsers, add_command, chosen_state, complain, print_json
from daemon.jobs import QueueSettings
from daemon.log import configure
from daemon.models import model_folder
from daemon.notify import feed_watchdog, inherited_sockets, tell
from daemon.server import Server, Settings
from daemon.state import StateError
from daemon.supervisor import Watch, default_memory
from daemon.worker import WorkerSettings


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "serve", "Run the daemon that browsers send their photos to.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port on 127.0.0.1; 0 picks a free one (%(default)s)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (%(default)s)")
    parser.add_argument("--threads", type=int, help="CPU threads of the worker (all)")
    parser.add_argument(
        "--deadline", type=float, default=QueueSettings().deadline, help="seconds a photo may take (%(default)s)"
    )
    parser.add_argument("--memory", type=int, default=default_memory(), help="bytes the worker may use (%(default)s)")
    parser.add_argument(
        "--backend", choices=("worker", "ray"), default="worker", help="what cloaks: a process, or Ray Serve (%(default)s)"
    )
    parser.add_argument(
        "--backend-address", metavar="URL", help="of another machine's `cloakroom cluster` (one on this machine)"
    )
    parser.add_argument("--backend-token", type=Path, metavar="FILE", help="its cluster.token, copied from there")
    parser.add_argument("--backend-ca", type=Path, metavar="FILE", help="its certificate, where it has signed it itself")
    parser.add_argument("--no-metrics", action="store_true", help="let nobody read how busy it is, not even this user")
    parser.add_argument("--verbose", action="store_true", help="log more")
    parser.set_defaults(run=run)


def settings_of(args: argparse.Namespace) -> Settings:
    state = chosen_state(args)
    return Settings(
        state=state,
        port=args.port,
        listeners=tuple(inherited_sockets()),
        worker=WorkerSettings(device=args.device, model_folder=model_folder(state), threads=args.threads),
        queue=QueueSettings(deadline=args.deadline),
        watch=Watch(memory=args.memory),
        metrics=not args.no_metrics,
        backend=backend_of(args, state),
    )


def backend_of(args: argparse.Namespace, state: Path) -> Backend | None:
    """None for the worker process.

    Raises:
        ClusterError: the cluster that was asked for cannot be had, or must not be used.
    """
    if args.backend == "worker":
        return None
    from daemon.cluster.backend import ServeBackend
    from daemon.cluster.launching import LocalCluster, Remote

    if args.backend_address is not None:
        return ServeBackend(Remote(args.backend_address, args.backend_token, args.backend_ca))
    # One photo at a time, as with the worker process, and as quickly.
    threads = args.threads or os.cpu_count() or 1
    return ServeBackend(LocalCluster(state, "--device", args.device, "--workers", "1", "--threads", str(threads)))


def run(args: argparse.Namespace) -> int:
    configure(args.verbose)
    try:
        asyncio.run(_serve(args))
    except (StateError, ClusterError) as problem:
        complain(args, str(problem))
        return FAILED
    return OK


DRAIN_SECONDS = 20.0
"""Less than service managers wait before they kill: see daemon/service.py."""


async def _drain(server: Server, hurry: asyncio.Event) -> None:
    tasks = {asyncio.create_task(server.drain(DRAIN_SECONDS)), asyncio.create_task(hurry.wait())}
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(args: argparse.Namespace) -> None:
    server = Server(settings_of(args))
    stop, hurry = asyncio.Event(), asyncio.Event()

    def end() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows' loop has no signal handlers; there Ctrl+C raises KeyboardInterrupt.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, end)
    await server.start()
    tell("READY=1")
    watchdog = asyncio.create_task(feed_watchdog(lambda: server.supervisor.is_alive))
    try:
        if args.json:
            print_json({"listening": f"127.0.0.1:{server.port}", "port": server.port, "pid": server.access.pid})
        else:
            print(f"listening on 127.0.0.1:{server.port}", flush=True)
        await stop.wait()
        tell("STOPPING=1")
        await _drain(server, hurry)
    finally:
        watchdog.cancel()
        await server.stop()
