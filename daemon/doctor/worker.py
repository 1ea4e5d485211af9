"""The worker: a real one starts with the settings that the daemon has, loads its models and says what it computes on."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from daemon.doctor.finding import Finding, Place
from daemon.front.readiness import WorkerLostError
from daemon.front.supervisor import TOO_MUCH_MEMORY, Supervisor
from daemon.front.watch import Watch, default_memory
from daemon.state.settings import worker_threads
from daemon.wire.worker_settings import WorkerSettings
from daemon.worker.jail import WALLS
from daemon.worker.process import main

WORKER_SECONDS: Final = 180.0
CAUSES: Final = frozenset(
    {
        "package-absent",
        "package-unfit",
        "python-old",
        "device-absent",
        "model-list-damaged",
        "model-embedded-damaged",
        "model-embedded-absent",
        "model-pulled-damaged",
    }
)
"""Faults with which no worker can start: one thing that is wrong is said once."""


def check(place: Place) -> Iterator[Finding]:
    causes = place.faults & CAUSES
    if causes:
        yield Finding("worker", "worker", f"was not tried, because of {min(causes)}")
        return
    yield asyncio.run(_started(place))


async def _started(place: Place) -> Finding:
    values = place.values
    memory = default_memory() if values.memory == "auto" else values.memory
    settings = WorkerSettings(device=values.device, model_folder=place.models, threads=worker_threads(values))
    supervisor = Supervisor(settings, Watch(memory=memory), main)
    supervisor.start()
    try:
        async with asyncio.timeout(WORKER_SECONDS):
            facts = await supervisor.started()
        is_too_large = supervisor.rss() > memory
    except (WorkerLostError, TimeoutError):
        is_too_large = supervisor.end_reason == TOO_MUCH_MEMORY
        if not is_too_large:
            advice = "Run `cloakroom serve` in a terminal and read why; if that says nothing, install Cloakroom again."
            return Finding(
                "worker-fails", "worker", f"it does not start: {supervisor.end_reason or 'it takes too long'}", advice
            )
    finally:
        await supervisor.stop()
    if is_too_large:
        found = f"it needs more than the {memory // 1024**2} MiB that it may hold, and is stopped for that"
        return Finding("worker-memory", "worker", found, 'Set memory to more, or to "auto"; 2 GiB is enough for most photos.')
    jail = jail_of(sys.platform, facts.walls)
    return Finding("worker", "worker", f"starts; computes on {facts.device} with {facts.models} models; {jail}")


def jail_of(platform: str, walls: Sequence[str]) -> str:
    """Say which walls the jail has, and which walls this Linux kernel lacks."""
    if platform != "linux":
        return "not shut in, as this system has no way to"
    missing = [wall for wall in WALLS if wall not in walls]
    stands = f"shut in by {', '.join(walls)}" if walls else "not shut in"
    return f"{stands}; this kernel has no {' and no '.join(missing)}" if missing else stands
