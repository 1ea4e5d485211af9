"""Many clients at once on the real worker, each with one photo after another; and one client alone, in the same run."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np
from PIL import Image

from daemon.client import DaemonClient
from daemon.figures import say
from daemon.wire.errors import CloakroomError
from daemon.wire.protocol import PolicyRequest
from tests.benchmarks.daemon.front import until_ready
from tests.benchmarks.daemon.process import Daemon, running
from tests.daemon.samples import astronaut, opened, saved

CLIENTS = 64
SECONDS = 300.0
ALONE_SECONDS = 60.0
BUSY_SECONDS = 0.5
POLICY = PolicyRequest(protectors=("scene",), strength="balanced", sensitive=())
MEGABYTE = 1024 * 1024


async def measure(seconds: float = SECONDS) -> dict[str, float]:
    """`load.*`: photos a second of so many clients over those of one, what was lost, most over fewest photos of a client,
    and how much the memory of both processes grew from the first third to the last."""
    with running() as daemon:
        await until_ready(daemon)
        alone: Counter[int] = Counter()
        first = await daemon.client()
        alone_seconds = await _all([first], alone, Counter(), min(ALONE_SECONDS, seconds))
        alone_rate = alone.total() / alone_seconds
        await first.close()
        say(f"one client: {alone_rate:.2f} photos a second")
        together: Counter[int] = Counter()
        lost: Counter[str] = Counter()
        # Each paired for itself: to the daemon, all connections of one credential are one client.
        clients = [await daemon.browser() for _ in range(CLIENTS)]
        memory: list[float] = []
        watching = asyncio.create_task(_watch(daemon, memory))
        took = await _all(clients, together, lost, seconds)
        watching.cancel()
        for client in clients:
            await client.close()
    third = max(1, len(memory) // 3)
    per_client = [together[number] for number in range(CLIENTS)]
    return {
        "load.clients": CLIENTS,
        "load.seconds": took,
        "load.photos": together.total(),
        "load.lost": lost.total(),
        "load.fairness": max(per_client) / max(1, min(per_client)),
        "load.rate": together.total() / took,
        "load.alone_rate": alone_rate,
        "load.throughput_ratio": together.total() / took / alone_rate,
        "load.rss_growth": float(np.median(memory[-third:]) / np.median(memory[:third]) - 1) if memory else 0.0,
    }


async def _all(clients: Sequence[DaemonClient], done: Counter[int], lost: Counter[str], seconds: float) -> float:
    """Every client until the time is over; the seconds until the last of them had its last photo."""
    begun = time.monotonic()
    await asyncio.gather(*(_one(client, number, begun + seconds, done, lost) for number, client in enumerate(clients)))
    return time.monotonic() - begun


async def _one(client: DaemonClient, number: int, until: float, done: Counter[int], lost: Counter[str]) -> None:
    """Each client's photos have a width of their own: who is given another's has lost their own."""
    width = 64 + number
    photo = saved(astronaut(width, 48), "JPEG", quality=90)
    while time.monotonic() < until:
        try:
            result = await client.protect(photo, POLICY, name="a.jpg", mime="image/jpeg")
        except CloakroomError as problem:
            if problem.code == "busy":
                await asyncio.sleep(BUSY_SECONDS)
            else:
                lost[problem.code] += 1
        else:
            image: Image.Image = opened(result.data)
            if image.width == width:
                done[number] += 1
            else:
                lost["another's"] += 1


async def _watch(daemon: Daemon, memory: list[float]) -> None:
    """Bytes of both processes, every second."""
    while True:
        worker = daemon.worker()
        if worker is not None:
            memory.append(float(daemon.front.memory_info().rss + worker.memory_info().rss))
        await asyncio.sleep(1)
