"""A 12-megapixel JPEG through a daemon of its own, over the websocket."""

import asyncio
import io
import statistics
from dataclasses import dataclass
from pathlib import Path

from daemon.client import DaemonClient, Protected
from daemon.figures import say
from daemon.wire.protocol import PolicyRequest
from protectors.names import DEFAULT
from tests.benchmarks.daemon.process import running

WIDTH, HEIGHT = 4000, 3000
SEED = 0
STAGES = ("decode", "protect", "encode", "judge", "total")


def _source(photo: Path | None) -> bytes:
    if photo is not None:
        return photo.read_bytes()
    import skimage.data

    return (Path(skimage.data.__file__).parent / "astronaut.png").read_bytes()


def twelve_megapixels(source: bytes) -> bytes:
    """A 4000 x 3000 JPEG of a photo's middle, with the grain of a sensor."""
    import numpy as np
    from PIL import Image

    from tests.benchmarks.photos import camera_file

    with Image.open(io.BytesIO(source)) as image:
        return camera_file(image.convert("RGB"), (WIDTH, HEIGHT), np.random.default_rng(SEED))


async def measure(source: Path | None = None, runs: int = 3) -> dict[str, float]:
    """`photo12mp.*`: milliseconds by stage (medians after a warm-up), bytes, and the most memory of both processes."""
    photo = twelve_megapixels(_source(source))
    policy = PolicyRequest(protectors=DEFAULT, strength="balanced", sensitive=())
    reports: list[Protected] = []
    with running() as daemon:
        async with await daemon.client() as client:
            memory = _Memory()
            watching = asyncio.create_task(memory.watch(client))
            say(f"a JPEG of {WIDTH} x {HEIGHT}, {len(photo)} bytes; warming up")
            await client.protect(photo, policy)
            for number in range(runs):
                reports.append(await client.protect(photo, policy))
                say(f"run {number + 1}: {reports[-1].report['seconds']}")
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    medians = {
        f"photo12mp.{stage}_ms": round(1000 * statistics.median(r.report["seconds"][stage] for r in reports), 1)
        for stage in STAGES
    }
    return {
        **medians,
        "photo12mp.bytes_in": len(photo),
        "photo12mp.bytes_out": statistics.median(len(r.data) for r in reports),
        "photo12mp.protected": statistics.mean(bool(r.report["protected"]) for r in reports),
        "photo12mp.psnr": statistics.median(r.report["psnr"] for r in reports),
        "photo12mp.front_rss": memory.front,
        "photo12mp.worker_rss": memory.worker,
    }


@dataclass
class _Memory:
    """The largest resident memory of both processes that was seen, in bytes."""

    front: int = 0
    worker: int = 0

    async def watch(self, client: DaemonClient) -> None:
        """Until cancelled."""
        while True:
            state = await client.status()
            self.front = max(self.front, state.front_rss)
            self.worker = max(self.worker, state.worker_rss)
            await asyncio.sleep(0.5)
