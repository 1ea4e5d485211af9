"""Half an hour of photos of many sizes, with clients that come and go: what the memory of both processes does meanwhile."""

import asyncio
import json
import random
import time
from pathlib import Path

import numpy as np

from daemon.client import DaemonClient
from daemon.figures import CHECKOUT, say
from daemon.wire.errors import CloakroomError
from daemon.wire.protocol import PolicyRequest
from tests.benchmarks.daemon.front import until_ready
from tests.benchmarks.daemon.process import Daemon, running
from tests.daemon.samples import astronaut, saved

MINUTES = 30.0
SAMPLE_SECONDS = 5.0
PAUSE_SECONDS = 1.0
RESULTS = CHECKOUT / "tests" / "benchmarks" / "results"
SERIES = RESULTS / "soak.json"
PLOT = RESULTS / "soak.svg"
SIZES = ((96, 64), (320, 240), (640, 480), (1200, 800))
POLICY = PolicyRequest(protectors=("scene",), strength="balanced", sensitive=())
MEGABYTE = 1024 * 1024


async def measure(minutes: float = MINUTES, seed: int = 0) -> dict[str, float]:
    """`soak.*`: its minutes and photos, and by how much the memory's median grew from the second fifth to the last.

    The first fifth is left out: the worker has not seen a photo of every size yet. Writes the series and its plot to results/.
    """
    chance = random.Random(seed)
    samples: list[tuple[float, float, float]] = []
    photos = failed = 0
    with running() as daemon:
        await until_ready(daemon)
        begun = time.monotonic()
        watching = asyncio.create_task(_watch(daemon, begun, samples))
        while time.monotonic() - begun < minutes * 60:
            try:
                await _visit(daemon, chance)
            except CloakroomError as problem:
                failed += 1
                say(f"failed: {problem.code}")
            photos += 1
            await asyncio.sleep(chance.uniform(0, PAUSE_SECONDS))
        watching.cancel()
        took = (time.monotonic() - begun) / 60
    if minutes >= MINUTES:
        _write(samples)
    fronts, workers = (np.array([sample[place] for sample in samples]) for place in (1, 2))
    return {
        "soak.minutes": took,
        "soak.photos": photos,
        "soak.failed": failed,
        "soak.front_growth": _growth(fronts),
        "soak.worker_growth": _growth(workers),
        "soak.rss_growth": _growth(fronts + workers),
    }


def _growth(memory: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> float:
    fifth = max(1, len(memory) // 5)
    return float(np.median(memory[-fifth:]) / np.median(memory[fifth : 2 * fifth]) - 1)


async def _visit(daemon: Daemon, chance: random.Random) -> None:
    """A client that comes, brings a photo or two, and goes."""
    client: DaemonClient
    async with await daemon.client() as client:
        for _ in range(chance.randint(1, 2)):
            photo = saved(astronaut(*chance.choice(SIZES)), chance.choice(("JPEG", "PNG", "WEBP")))
            await client.protect(photo, POLICY, name="a")


async def _watch(daemon: Daemon, begun: float, samples: list[tuple[float, float, float]]) -> None:
    while True:
        worker = daemon.worker()
        if worker is not None:
            minute = (time.monotonic() - begun) / 60
            samples.append((minute, float(daemon.front.memory_info().rss), float(worker.memory_info().rss)))
        await asyncio.sleep(SAMPLE_SECONDS)


def _write(samples: list[tuple[float, float, float]]) -> None:
    SERIES.write_text(json.dumps({"columns": ["minute", "front bytes", "worker bytes"], "rows": samples}) + "\n")
    plot(samples, PLOT)


def plot(samples: list[tuple[float, float, float]], path: Path) -> None:
    """Memory over time, both processes."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    # The same picture from the same numbers.
    mpl.rcParams["svg.hashsalt"] = "cloakroom"
    figure, (front, worker) = pyplot.subplots(2, 1, sharex=True, figsize=(8, 4.5), layout="constrained")
    minutes = [minute for minute, _, _ in samples]
    front.plot(minutes, [own / MEGABYTE for _, own, _ in samples], color="tab:blue")
    worker.plot(minutes, [own / MEGABYTE for _, _, own in samples], color="tab:orange")
    front.set(title="Memory of the daemon under half an hour of photos", ylabel="front (MB)", ylim=(0, None))
    worker.set(xlabel="minutes", ylabel="worker (MB)", ylim=(0, None))
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
