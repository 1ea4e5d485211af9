"""Fetching a model, killed at random offsets and with single bits flipped: does it go on, and is what is wrong refused?

The model is a synthetic checkpoint with its entry in a manifest, the server one that keeps a log of the ranges asked for.
"""

import asyncio
import hashlib
import io
import json
import os
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

from daemon.models.store import ModelError, pull, verify
from protectors.manifest import Entry
from tests.daemon.models.range_server import RangeServer, range_server
from tests.daemon.other_models import command, write_manifest

ROOT = Path(__file__).resolve().parents[3]
PATH = "/models/synthetic.pth"
KILLED_BYTES = 8_000_000
FLIPPED_BYTES = 200_000
IN_FLIGHT = 64 * 1024
"""Bytes, at most, that were sent and a killed run has not kept: what the system's buffers hold would hide the rest."""

KILLS_A_FILE = 5
"""A file is fetched in so many pieces before it may be completed, and then has to be right."""


@dataclass
class Killed:
    """One file's fetches: runs that were killed, next runs that went on where it ended, whether the result was right,
    its size, and the bytes that the server sent for it."""

    kills: int = 0
    resumed: int = 0
    verified: bool = False
    size: int = 0
    sent: int = 0


async def measure(kills: int = 50, flips: int = 100, seed: int = 0) -> dict[str, float]:
    """Args:
    kills: runs of `cloakroom models pull` that are ended by SIGKILL at a random offset.
    flips: files with one random bit flipped that are offered.
    seed: of offsets, bits and weights.
    """
    generator = random.Random(seed)
    files: list[Killed] = []
    with tempfile.TemporaryDirectory(prefix="cloakroom-fetch-") as folder:
        while (left := kills - sum(one.kills for one in files)) > 0:
            subfolder = Path(folder) / str(len(files))
            files.append(await kill_and_resume(subfolder, min(left, KILLS_A_FILE), KILLED_BYTES, generator))
        refused = await _refused(Path(folder) / "flips", flips, generator)
    return {
        "fetch.kills": sum(one.kills for one in files),
        # One whose result is not right has not gone on, whatever it asked for.
        "fetch.resumed": sum(one.resumed for one in files if one.verified),
        "fetch.sent_ratio": sum(one.sent for one in files) / sum(one.size for one in files),
        "fetch.flips": flips,
        "fetch.refused": refused,
    }


async def kill_and_resume(folder: Path, kills: int, size: int, generator: random.Random) -> Killed:
    """Fetch one model, killed so often at rising random offsets, then to its end."""
    async with range_server() as server:
        entry, data = offered(server, size, generator.randrange(2**32))
        write_manifest(folder / "manifest", entry)
        state = folder / "state"
        pulling = command(folder / "manifest", "models", "pull", entry.name, "--mirror", server.url, "--state", state, "--json")
        part = state / "models" / f".{entry.name}.part"
        result = Killed(size=len(data))
        has = 0
        for stop in [*sorted(generator.sample(range(1, len(data)), kills)), None]:
            earlier = len(server.log)
            # The server sends nothing beyond this offset; the process dies as soon as it has some of what comes before.
            server.stop_at = stop
            process = await _start(pulling)
            if stop is None:
                told, _ = await process.communicate()
                done = process.returncode == 0 and json.loads(told)["pulled"] == [entry.name]
                result.verified = done and verify(entry, state / "models") == "ok"
            else:
                await _kill(process, part, max(has + 1, stop - generator.randrange(IN_FLIGHT)))
                result.kills += 1
            if has:
                asked = server.log[earlier]
                result.resumed += asked.range == f"bytes={has}-" and asked.status == 206
            has = _size(part)
        result.sent = server.sent
        return result


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


async def _start(pulling: list[str]) -> asyncio.subprocess.Process:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return await asyncio.create_subprocess_exec(
        *pulling, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )


async def _kill(process: asyncio.subprocess.Process, part: Path, offset: int) -> None:
    """SIGKILL as soon as this much is here."""
    async with asyncio.timeout(120):
        # A file has no event to wait for.
        while _size(part) < offset and process.returncode is None:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    process.kill()
    await process.wait()


async def _refused(folder: Path, flips: int, generator: random.Random) -> int:
    """How many of so many flipped files were refused, with nothing of them left."""
    refused = 0
    async with range_server() as server:
        entry, data = offered(server, FLIPPED_BYTES, generator.randrange(2**32))
        for bit in generator.sample(range(8 * len(data)), flips):
            server.files[PATH] = flipped(data, bit)
            try:
                await asyncio.to_thread(pull, entry, folder, lambda *_: None, (server.url,))
            except ModelError:
                refused += _names(folder) == ["lock"]
    return refused


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def offered(server: RangeServer, size: int, seed: int) -> tuple[Entry, bytes]:
    """A checkpoint of about this size on the server, and the manifest's entry for it."""
    import torch

    weights = torch.randn(size // 4, generator=torch.Generator().manual_seed(seed))
    out = io.BytesIO()
    torch.save({"weight": weights}, out)
    data = out.getvalue()
    server.files[PATH] = data
    entry = Entry(
        name="synthetic", task="objects", role="adversary", architecture="synthetic", set="full",
        sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), licence="none", source="made for a test",
        input_size=8, url=f"https://download.example{PATH}",
    )  # fmt: skip
    return entry, data


def flipped(data: bytes, bit: int) -> bytes:
    """The same with one bit changed."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure())))
