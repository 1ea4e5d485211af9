"""Daemons with a worker of the tests' own, as processes that begin and end as `cloakroom serve` does."""

import asyncio
import json
import signal
import sys
from pathlib import Path

from daemon.commands.console import when_signalled
from daemon.front.server import Server, ServerSettings
from daemon.front.worker_process import EntryPoint
from daemon.wire.worker_settings import WorkerSettings


async def serve(state: Path, port: int, entry: EntryPoint, drain_seconds: float = 0.0) -> None:
    """Say as JSON where it listens, and serve until SIGINT or SIGTERM; then finish what runs, for so long at most."""
    server = Server(ServerSettings(state=state, port=port, worker=WorkerSettings(model_folder=state), entry=entry))
    stop = asyncio.Event()
    when_signalled(stop.set, signal.SIGINT, signal.SIGTERM)
    await server.start()
    try:
        sys.stdout.write(json.dumps({"port": server.port}) + "\n")
        sys.stdout.flush()
        await stop.wait()
        if drain_seconds:
            await server.drain(drain_seconds)
    finally:
        await server.stop()
