"""Measures how long a person waits from picking a photo of 3 megapixels to the page having it, with the default protectors."""

import asyncio
import time
from pathlib import Path as FilePath

from daemon.figures import say
from protectors.names import DEFAULT
from tests.benchmarks.photos import photos
from tests.end_to_end.paths import Path
from tests.end_to_end.photos import Upload
from tests.end_to_end.site import HOST
from tests.end_to_end.stage import QUICKEST, Stage, choose_protectors
from tests.end_to_end.verdict import arrived_original

SIZE = (2048, 1536)
PHOTOS = 8
SECONDS = 600.0


async def measure_picks(stage: Stage, _: int) -> dict[str, float]:
    """`photo3mp.p50_ms` and `.p95_ms` (of so few, the slowest) from the pick to the page, and `.originals` that reached it.

    A photo that is not protected enough is sent as the best attempt at once, as a person would who was asked.
    """
    folder = next(iter(stage.uploads.values())).path.parent
    await choose_protectors(stage.browser, HOST, DEFAULT)
    seconds, originals = [], 0
    for number, data in enumerate(photos(SIZE, PHOTOS)):
        upload = _kept(data, folder / f"photo3mp-{number}.jpg")
        stage.uploads[upload.path.stem] = upload
        attempt = asyncio.create_task(send_the_best_attempt(stage, SECONDS))
        begun = time.monotonic()
        try:
            run = await stage.upload(Path("attached", (upload.path.stem,)), seconds=SECONDS)
        finally:
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)
        seconds.append(time.monotonic() - begun)
        originals += arrived_original(run, [upload])
        say(f"{stage.browser.name}: {upload.name} after {seconds[-1]:.1f} s")
    # What is measured next is not about the protectors.
    await choose_protectors(stage.browser, HOST, QUICKEST)
    ordered = sorted(1000 * one for one in seconds)
    return {
        "photo3mp.p50_ms": ordered[len(ordered) // 2],
        "photo3mp.p95_ms": ordered[-1],
        "photo3mp.photos": len(ordered),
        "photo3mp.originals": originals,
        "bad": originals > 0,
    }


def _kept(data: bytes, path: FilePath) -> Upload:
    path.write_bytes(data)
    return Upload(path, data)


async def send_the_best_attempt(stage: Stage, seconds: float) -> None:
    """Choose to send the best attempt where it did not protect: the time is measured all the same."""
    window = await stage.browser.hold_window(seconds)
    await window.wait_for("document.querySelector('button[name=attempt]')?.name")
    await window.click("button[name=attempt]")
