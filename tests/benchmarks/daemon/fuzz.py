"""Mutated files and messages by the hundred thousand, while a bystander's photos go on."""

import asyncio
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from daemon.figures import CHECKOUT, say
from daemon.wire.errors import CloakroomError
from tests.benchmarks.daemon.front import until_ready
from tests.benchmarks.daemon.process import Daemon, running
from tests.benchmarks.daemon.untouched import FUZZED_PIXELS, POLICY
from tests.daemon.samples import (
    astronaut,
    exif,
    opened,
    png_header_only,
    saved,
    with_jpeg_metadata,
    with_png_metadata,
    with_webp_metadata,
)

FILES = 200_000
MESSAGES = 20_000
COUNTED_EVERY = 50
BYSTANDER_SECONDS = 1.0
REPORT_SECONDS = 30.0
VECTORS = CHECKOUT / "daemon" / "wire" / "vectors.json"


def photo_seeds() -> list[bytes]:
    """Small ones of every kind that is read, with everything that can be in them."""
    image = astronaut(24, 16)
    seeds = [saved(image, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")]
    seeds += [saved(image, "JPEG", progressive=True), saved(image.convert("CMYK"), "JPEG"), saved(image.convert("L"), "PNG")]
    seeds += [saved(image.convert("P"), "PNG"), saved(image.convert("RGBA"), "WEBP", lossless=True)]
    seeds += [saved(image, "JPEG", exif=exif(6)), png_header_only(9000, 9000)]
    seeds += [with_jpeg_metadata(seeds[0]), with_png_metadata(seeds[1]), with_webp_metadata(image)]
    return seeds


def message_seeds() -> list[bytes]:
    """Every message of the protocol's vectors, and a binary frame."""
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    return [json.dumps(vector["message"]).encode() for vector in vectors["messages"]] + [bytes(16) + b"\xff\xd8\xff"]


async def measure(files: int = FILES, messages: int = MESSAGES, seed: int = 0) -> dict[str, float]:
    """`fuzz.*`: what was tried, how it ended, deaths of the front and of workers, and what was lost on the way."""
    with running("--pixels", str(FUZZED_PIXELS), module="tests.benchmarks.daemon.untouched") as daemon:
        await until_ready(daemon)
        over = asyncio.Event()
        bystander = asyncio.create_task(_stand_by(daemon, over))
        photos = await _run(daemon, "photos", files, seed, photo_seeds())
        texts = await _run(daemon, "messages", messages, seed, message_seeds())
        over.set()
        others, lives = await bystander
        has_died = daemon.process.poll() is not None
    return {
        "fuzz.files": photos["tried"],
        "fuzz.files_protected": photos["protected"],
        "fuzz.files_refused": photos["tried"] - photos["protected"] - photos["lost"] - photos["worker-died"],
        "fuzz.files_internal": photos["internal"],
        "fuzz.messages": texts["tried"],
        "fuzz.front_deaths": float(has_died),
        "fuzz.worker_deaths": lives - 1,
        "fuzz.jobs_failed_with_worker": photos["worker-died"],
        "fuzz.bystander_photos": others.total(),
        "fuzz.lost": photos["lost"] + texts["lost"] + others["lost"],
    }


async def _run(daemon: Daemon, what: str, runs: int, seed: int, seeds: list[bytes]) -> Counter[str]:
    """One run of the fuzzer to its end; its counts."""
    with tempfile.TemporaryDirectory(prefix="cloakroom-fuzz-") as folder:
        counts, corpus = Path(folder) / "counts.json", Path(folder) / "corpus"
        corpus.mkdir()
        for number, data in enumerate(seeds):
            (corpus / str(number)).write_bytes(data)
        # The counts are kept every so often: without these, the last would be missing.
        runs += COUNTED_EVERY
        arguments = ["--state", daemon.state, "--runs", runs, "--seed", seed, "--counts", counts]
        arguments += ["--every", COUNTED_EVERY, "--corpus", corpus]
        command = [sys.executable, "-m", "tests.benchmarks.daemon.fuzzing", what, *map(str, arguments)]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=CHECKOUT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        reading = asyncio.create_task(process.communicate())
        while not reading.done():
            await asyncio.wait({reading}, timeout=REPORT_SECONDS)
            say(f"{what}: {dict(_read(counts))}")
        _, errors = await reading
        if process.returncode:
            raise RuntimeError(f"the fuzzer ended with {process.returncode}: {errors.decode(errors='replace')[-2000:]}")
        return _read(counts)


def _read(counts: Path) -> Counter[str]:
    return Counter(json.loads(counts.read_text())) if counts.exists() else Counter()


async def _stand_by(daemon: Daemon, over: asyncio.Event) -> tuple[Counter[str], int]:
    """Somebody else's photos, one a second; and how many workers there have been."""
    photo = saved(astronaut(40, 30), "PNG")
    counts: Counter[str] = Counter()
    workers: set[int] = set()
    async with await daemon.client() as client:
        while not over.is_set():
            worker = daemon.worker()
            if worker is not None:
                workers.add(worker.pid)
            try:
                result = await client.protect(photo, POLICY, name="a")
                counts["done" if opened(result.data).size == (40, 30) else "lost"] += 1
            except CloakroomError as problem:
                counts["lost" if problem.code != "busy" else "busy"] += 1
            await asyncio.sleep(BYSTANDER_SECONDS)
    return counts, len(workers)
