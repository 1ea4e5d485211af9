"""Measures whether cloaks of twelve-megapixel photos survive sites, and the time and memory that such photos take.

This is part of ``survival.json``. The photos are those of ``photos.npz`` and scikit-image's, enlarged, so that only their
finest detail is missing. They are cloaked by the default policy at balanced. A photo counts for an adversary that reads
something in it.

- ``large.objects.instagram.success``, and so for each protector and site; ``large.objects.delivered.success`` is the file
  itself.
- ``large.psnr.mean``, ``large.ssim.min``, ``large.floor`` (the share above it), ``large.seconds`` a photo on one core, and
  ``large.memory``: the peak memory of a process in bytes, including the models.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from protectors.archive import Archive
from protectors.evaluation.delivery import delivered_by, forms
from protectors.evaluation.extra import needed
from protectors.evaluation.measurement import SEED, Figures, Measurement
from protectors.evaluation.processes import each, room_of
from protectors.judging.judge import Judge
from protectors.judging.quality import Quality
from protectors.judging.verdict import Verdict
from protectors.policy import FLOORS, Policy
from protectors.quality import measured
from protectors.saving import Pixels

PIXELS = 12_000_000
OWN = ("astronaut", "coffee", "rocket", "chelsea")
"""Sample photos of scikit-image."""

PHOTOS = 16
QUICK_PHOTOS = 1
QUICK_PIXELS = 2_000_000


@dataclass(frozen=True)
class Reading:
    """One photo: whether it is protected, by form and protector (absent if nothing was read in the original), its quality, and
    the time and memory used."""

    protected: Mapping[str, Mapping[str, bool]]
    quality: Quality
    above: bool
    seconds: float
    memory: float


def enlarged(photo: Pixels, pixels: int) -> Pixels:
    """Enlarge a photo uint8 [H, W, 3] to a number of pixels, in its proportions."""
    scale = (pixels / (photo.shape[0] * photo.shape[1])) ** 0.5
    size = (round(photo.shape[1] * scale), round(photo.shape[0] * scale))
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))


def photos(data: Path, quick: bool) -> list[Pixels]:
    """Return the photos to enlarge, in random order; none of them was used in training."""
    archive = Archive(data / "photos.npz")
    samples = [np.ascontiguousarray(getattr(needed("skimage.data"), name)()) for name in OWN]
    count = QUICK_PHOTOS if quick else PHOTOS - len(samples)
    drawn = [archive.image(index) for index in np.random.default_rng(SEED).permutation(len(archive))[:count].tolist()]
    return drawn if quick else [*drawn, *samples]


def measure(device: str, pixels: int, photo: Pixels) -> Reading:
    """Cloak one photo as the daemon does, and judge the file that each site makes of it."""
    room, policy = room_of(device), Policy()
    large = enlarged(photo, pixels)
    begun = time.monotonic()
    judge = room.judge(policy, large)
    delivered = delivered_by(room, judge)
    seconds = time.monotonic() - begun
    quality = measured(large, delivered)
    protected = {name: _by_protector(judge, arrived) for name, arrived in forms(delivered)}
    return Reading(protected, quality, quality.reaches(FLOORS[policy.strength]), seconds, most_memory())


def most_memory() -> float:
    """Return the peak memory of this process in bytes; not a number on Windows, which has no ``resource``."""
    try:
        import resource
    except ImportError:
        return float("nan")
    # The unit is kilobytes on Linux and bytes on macOS.
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def _by_protector(judge: Judge, arrived: Pixels) -> dict[str, bool]:
    verdicts: dict[str, list[Verdict]] = {}
    for verdict in judge.verdicts(arrived):
        if verdict.before:
            verdicts.setdefault(verdict.protector, []).append(verdict)
    return {name: all(verdict.protected for verdict in several) for name, several in verdicts.items()}


def figures_of(readings: Sequence[Reading]) -> Figures:
    """Return shares, means and worst values over all photos."""
    figures: Figures = {
        "large.images": len(readings),
        "large.psnr.mean": float(np.mean([reading.quality.psnr for reading in readings])),
        "large.ssim.min": min(reading.quality.ssim for reading in readings),
        "large.floor": float(np.mean([reading.above for reading in readings])),
        "large.seconds": float(np.mean([reading.seconds for reading in readings])),
        "large.memory": max(reading.memory for reading in readings),
    }
    for form in readings[0].protected:
        for protector in Policy().protectors:
            known = [reading.protected[form][protector] for reading in readings if protector in reading.protected[form]]
            if known:
                figures[f"large.{protector}.{form}.success"] = float(np.mean(known))
    return figures


def row(measurement: Measurement, pool: Executor | None) -> Figures:
    """Measure all photos."""
    task = partial(measure, measurement.device, QUICK_PIXELS if measurement.quick else PIXELS)
    return figures_of(each(pool, task, photos(measurement.data, measurement.quick), measurement))
