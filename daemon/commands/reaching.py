"""The daemon that a command works with: the one that runs, or one for this run alone."""

import argparse
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from daemon.client import DaemonClient, NoDaemonError
from daemon.commands.console import chosen_state
from daemon.models.store import model_folder
from daemon.wire.handshake import Credential


@asynccontextmanager
async def opener_for(args: argparse.Namespace) -> AsyncIterator[Callable[[], Awaitable[DaemonClient]]]:
    """Yield a function that opens connections to the running daemon, or to one in this process."""
    state = chosen_state(args)
    if not args.private:
        try:
            await (await DaemonClient.open_local(state)).close()
        except NoDaemonError:
            pass
        else:
            yield lambda: DaemonClient.open_local(state)
            return
    from daemon.front.server import Server, ServerSettings
    from daemon.wire.worker_settings import WorkerSettings
    from daemon.worker.process import main as worker_main

    with tempfile.TemporaryDirectory(prefix="cloakroom-") as folder:
        worker = WorkerSettings(model_folder=model_folder(state), threads=args.threads, seconds=args.seconds, seed=args.seed)
        server = Server(ServerSettings(Path(folder), worker_main, port=0, worker=worker, metrics=False))
        await server.start()
        try:
            credential = Credential(server.access.client, bytes.fromhex(server.access.key))
            yield lambda: DaemonClient.open(server.port, credential)
        finally:
            await server.stop()


@asynccontextmanager
async def daemon_for(args: argparse.Namespace) -> AsyncIterator[DaemonClient]:
    """One connection to it."""
    async with opener_for(args) as open_client, await open_client() as client:
        yield client
