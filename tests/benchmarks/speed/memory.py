"""Measures the most memory that the worker's walk of photos of 12 megapixels holds, in a separate process."""

import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.photos import SIZES, photos
from tests.benchmarks.speed.photos import AVX2, in_a_process, walked

PHOTOS = 3


def measure() -> dict[str, float]:
    """Return ``worker_rss`` in bytes, after photos at balanced and at instant, and ``avx2.worker_rss``."""
    with tempfile.TemporaryDirectory() as folder:
        # They are made here: making one needs more memory than cloaking it.
        for number, file in enumerate(photos(SIZES["photo12mp"], PHOTOS)):
            Path(folder, f"{number}.jpg").write_bytes(file)
        figures = in_a_process(__name__, {}, folder)
        return figures | {f"avx2.{name}": value for name, value in in_a_process(__name__, AVX2, folder).items()}


def most_memory() -> int:
    """Return the most bytes that this process has held.

    Not by ``resource``, whose figure begins with what the parent held when it started this process.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _measured_here(folder: Path) -> dict[str, float]:
    for file in sorted(folder.glob("*.jpg")):
        for strength in ("balanced", "instant"):
            walked(file.read_bytes(), strength)
    return {"worker_rss": most_memory()}


if __name__ == "__main__":
    print(json.dumps(_measured_here(Path(sys.argv[1]))))
