"""Measures the seconds from a photo's file to its cloaked file, by size and strength, in a separate process: with all of the
CPU's instructions, and with AVX2 only, as most people's CPUs have."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from daemon.commands.showing import share_of
from daemon.figures import CHECKOUT, say
from daemon.wire.protocol import PolicyRequest
from daemon.wire.protocol import Progress as ProgressMessage
from daemon.worker.cloaking import Errand, cloak_file
from protectors.cloak import Cloakroom
from protectors.names import DEFAULT, Strength
from tests.benchmarks.photos import SIZES, photos
from tests.pretrained import FOLDER

RUNS = 5
FEW = 1
"""Runs of a photo of 48 megapixels, which is cloaked only at instant, for the slope."""

SITE = "bluesky"
JOB = "0" * 32
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
AS_IN_THE_WORKER = {"OMP_WAIT_POLICY": "PASSIVE", "MALLOC_ARENA_MAX": "1"}
"""Environment variables for what the worker sets in its process."""

STARTED = time.monotonic()


def measure() -> dict[str, float]:
    """Return ``photo512.p50``, ``.p95`` and so on in seconds, ``instant512.p95``, and ``cold_ms``;
    ``photo512.progress_error`` and so on, the share of the time by which the shown progress was wrong at most; and
    ``megapixels.slope``, the seconds per megapixel from 12 to 48 over those from 2 to 12. The same under ``avx2.``."""
    with tempfile.TemporaryDirectory() as folder:
        # They are made here: making one of 12 megapixels needs more memory than cloaking it.
        for name, size in SIZES.items():
            for number, file in enumerate(photos(size, FEW if name == "photo48mp" else RUNS)):
                Path(folder, f"{name}.{number}.jpg").write_bytes(file)
        figures = in_a_process(__name__, {}, folder)
        return figures | {f"avx2.{name}": value for name, value in in_a_process(__name__, AVX2, folder).items()}


def in_a_process(module: str, variables: dict[str, str], folder: str) -> dict[str, float]:
    """Run a module of benchmarks with the folder of its photos, and return the figures that it prints."""
    command = [sys.executable, "-m", module, folder]
    environment = {**os.environ, **AS_IN_THE_WORKER, **variables}
    made = subprocess.run(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, check=True)
    figures: dict[str, float] = json.loads(made.stdout)
    return figures


@cache
def _room() -> Cloakroom:
    return Cloakroom("cpu", FOLDER)


def walked(file: bytes, strength: Strength) -> tuple[float, float]:
    """Cloak one photo, and return the seconds that it took, and by which share of them the shown progress was wrong at most."""
    begun, shown = time.monotonic(), list[tuple[float, float]]()
    walk = cloak_file(_room(), Errand(file, PolicyRequest(DEFAULT, strength, ()), SITE), 0)
    for progress in walk:
        event = ProgressMessage(job=JOB, stage=progress.stage, done=progress.done, total=progress.total)
        shown.append((time.monotonic() - begun, share_of(event)))
    seconds = time.monotonic() - begun
    return seconds, max(abs(share - at / seconds) for at, share in shown)


def _measured_here(folder: Path) -> dict[str, float]:
    walked((folder / "photo512.0.jpg").read_bytes(), "balanced")
    figures = {"cold_ms": 1000 * (time.monotonic() - STARTED)}
    medians: dict[str, float] = {}
    for name in SIZES:
        files = [path.read_bytes() for path in sorted(folder.glob(f"{name}.*.jpg"))]
        labels: dict[str, Strength] = {name: "balanced", name.replace("photo", "instant"): "instant"}
        for label, strength in labels.items():
            if label == "photo48mp":
                continue
            walks = [walked(file, strength) for file in files]
            seconds = sorted(one for one, _ in walks)
            figures[f"{label}.progress_error"] = max(error for _, error in walks)
            medians[label] = statistics.median(seconds)
            figures[f"{label}.p50"] = medians[label]
            # For so few photos, the 95th percentile is the slowest.
            figures[f"{label}.p95"] = seconds[-1]
            say(f"{label}: {', '.join(f'{one:.2f}' for one in seconds)} s")
    later = (medians["instant48mp"] - medians["instant12mp"]) / 36
    earlier = (medians["instant12mp"] - medians["instant1080p"]) / (12 - 2.07)
    return figures | {"megapixels.slope": later / earlier}


if __name__ == "__main__":
    print(json.dumps(_measured_here(Path(sys.argv[1]))))
