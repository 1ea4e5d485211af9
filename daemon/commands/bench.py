"""`cloakroom bench daemon`: a 12-megapixel JPEG through a daemon of its own, over the websocket."""

import argparse
import asyncio
import contextlib
import io
import json
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from daemon.client import DaemonClient, NoDaemonError, Protected
from daemon.commands.console import FAILED, OK, Subparsers, add_command, complain, end_on_sigterm, print_json
from daemon.errors import CloakroomError
from daemon.figures import CHECKOUT, say, wrapped, write
from daemon.protocol import Policy
from protectors.names import DEFAULT

RESULTS = CHECKOUT / "tests" / "benchmarks" / "results" / "daemon.json"
WIDTH, HEIGHT = 4000, 3000
SEED = 0
GRAIN = 3.0
"""Standard deviation of the added sensor noise, in 8-bit steps: without it an enlarged photo is too easy to encode."""
STAGES = ("decode", "protect", "encode", "judge", "total")


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "bench", "Measure the daemon: seconds by stage and memory for a 12-megapixel photo.")
    parser.add_argument("what", choices=("daemon",))
    parser.add_argument("--photo", type=Path, metavar="FILE", help="make the photo from this one (scikit-image's astronaut)")
    parser.add_argument("--runs", type=int, default=3, help="after a warm-up; medians are kept (%(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="FILE", help="results file (%(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    end_on_sigterm()
    try:
        source = _source(args.photo)
    except (ImportError, OSError):
        complain(args, "There is no photo to measure with. Give one with --photo.")
        return FAILED
    try:
        figures = asyncio.run(_measure(twelve_megapixels(source), args.runs))
    except NoDaemonError:
        complain(args, "The daemon could not be started. Run `cloakroom doctor`.")
        return FAILED
    except CloakroomError as problem:
        complain(args, problem.sentence)
        return FAILED
    measured = wrapped(figures, "cloakroom bench daemon", SEED)
    write(args.output, measured)
    if args.json:
        print_json(measured)
    else:
        for key, value in figures.items():
            print(f"{key:24} {value:.6g}")
    return OK


def _source(photo: Path | None) -> bytes:
    if photo is not None:
        return photo.read_bytes()
    import skimage.data

    return (Path(skimage.data.__file__).parent / "astronaut.png").read_bytes()


def twelve_megapixels(source: bytes) -> bytes:
    """A 4000 x 3000 JPEG of a photo's middle, with the grain of a sensor."""
    import numpy as np
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(source)) as image:
        enlarged = ImageOps.fit(image.convert("RGB"), (WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    grain = np.random.default_rng(SEED).normal(0.0, GRAIN, (HEIGHT, WIDTH, 1))
    pixels = (np.asarray(enlarged) + grain).round().clip(0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


async def _measure(photo: bytes, runs: int) -> dict[str, float]:
    policy = Policy(protectors=DEFAULT, strength="balanced", sensitive=())
    reports: list[Protected] = []
    async with serving() as client:
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
        "front_rss": memory.front,
        "worker_rss": memory.worker,
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


@asynccontextmanager
async def serving() -> AsyncIterator[DaemonClient]:
    """A `cloakroom serve` of its own, as a process, with an empty state folder.

    Raises:
        NoDaemonError: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="cloakroom-bench-") as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "daemon.cli", "serve", "--port", "0", "--state", folder, "--json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=CHECKOUT,
        )
        try:
            line = await process.stdout.readline() if process.stdout else b""
            if not line or "port" not in json.loads(line):
                raise NoDaemonError
            async with await DaemonClient.open_local(Path(folder)) as client:
                yield client
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
