"""Photos as cameras make them, at twelve megapixels: whether a cloak made at the working resolution survives what sites make of
so large a photo, what it takes, and how much memory.

Part of ``survival.json``. The photos are those of ``photos.npz`` and scikit-image's, enlarged: their finest detail is missing,
everything else is as in a photo of that size. The default policy at balanced; a photo counts for an adversary that reads
something in it.

- ``large.objects.instagram.success``, and so for each protector and site; ``large.objects.delivered.success`` is the file
  itself.
- ``large.psnr.mean``, ``large.ssim.min``, ``large.floor`` (the share above it), ``large.seconds`` a photo on one core, and
  ``large.memory``: the most that a process held, in bytes, with the models and everything else in it.
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
from protectors.channel import sites
from protectors.evaluation.delivery import delivered_by
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
"""Of scikit-image."""

PHOTOS = 16
QUICK_PHOTOS = 1
QUICK_PIXELS = 2_000_000


@dataclass(frozen=True)
class Reading:
    """One photo: by form and protector, whether it is protected (nothing where there was nothing to read); its quality, and
    what it took."""

    protected: Mapping[str, Mapping[str, bool]]
    quality: Quality
    above: bool
    seconds: float
    memory: float


def enlarged(photo: Pixels, pixels: int) -> Pixels:
    """Return a photo uint8 [H, W, 3] at so many pixels, in its own proportions."""
    scale = (pixels / (photo.shape[0] * photo.shape[1])) ** 0.5
    size = (round(photo.shape[1] * scale), round(photo.shape[0] * scale))
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))


def photos(data: Path, quick: bool) -> list[Pixels]:
    """Return the photos that are enlarged, drawn without order; none that anything here was trained on."""
    archive = Archive(data / "photos.npz")
    samples = [np.ascontiguousarray(getattr(needed("skimage.data"), name)()) for name in OWN]
    count = QUICK_PHOTOS if quick else PHOTOS - len(samples)
    drawn = [archive.image(index) for index in np.random.default_rng(SEED).permutation(len(archive))[:count].tolist()]
    return drawn if quick else [*drawn, *samples]


def measure(device: str, pixels: int, photo: Pixels) -> Reading:
    """Cloak one photo as the daemon does, and read what each site makes of it."""
    room, policy = room_of(device), Policy()
    large = enlarged(photo, pixels)
    begun = time.monotonic()
    judge = room.judge(policy, large)
    delivered = delivered_by(room, judge)
    seconds = time.monotonic() - begun
    quality = measured(large, delivered)
    forms = {"delivered": delivered, **{pipeline.name: pipeline.exact(delivered) for pipeline in sites.pipelines()}}
    protected = {name: _by_protector(judge, arrived) for name, arrived in forms.items()}
    return Reading(protected, quality, quality.reaches(FLOORS[policy.strength]), seconds, most_memory())


def most_memory() -> float:
    """Return the most bytes that this process ever held; not a number on Windows, which tells no program."""
    try:
        import resource
    except ImportError:
        return float("nan")
    # Kilobytes on Linux, bytes on a Mac.
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def _by_protector(judge: Judge, arrived: Pixels) -> dict[str, bool]:
    verdicts: dict[str, list[Verdict]] = {}
    for verdict in judge.verdicts(arrived):
        if verdict.before:
            verdicts.setdefault(verdict.protector, []).append(verdict)
    return {name: all(verdict.protected for verdict in several) for name, several in verdicts.items()}


def figures_of(readings: Sequence[Reading]) -> Figures:
    """Return shares, means and the worst of all photos."""
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
