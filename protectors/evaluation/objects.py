"""Object Disappearance on the people test photos: success, leakage and quality, by fresh detection on delivered files.

Success is the share of photos, among those in which the detector found something that had to go, in which a fresh
detection on the delivered file finds nothing that had to go; leakage is the number of such objects found afterwards over
the number found before (Xue et al., SocialGuard, 2021, section 4: privacy-preserving success rate and leakage rate).
"""

import functools
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from protectors.adversaries.detector import Detector
from protectors.adversaries.loading import load_detector
from protectors.archive import Archive
from protectors.base import Budget
from protectors.channels import through_jpeg
from protectors.cloak import BUDGETS
from protectors.evaluation.delivery import outcome_of
from protectors.evaluation.reading import average_precisions
from protectors.manifest import entry
from protectors.objects import PUBLISHED_THRESHOLD, ObjectDisappearance, Rule
from protectors.quality import as_pixels, as_tensor, psnr, ssim

PHOTOS = 100
"""Photos with a sensitive object in them; the others that are drawn on the way count for M_all."""

QUICK_PHOTOS = 6
STEPS = BUDGETS["balanced"].steps
"""As many as the daemon makes by default."""

SENSITIVE = ("person",)
SEED = 0


@dataclass(frozen=True)
class Row:
    """One row of the table: a mode of the method at a budget of ``levels`` 8-bit levels."""

    name: str
    rule: Rule
    sensitive: tuple[str, ...]
    levels: int

    @property
    def prefix(self) -> str:
        return f"{self.name}.eps{self.levels}"


ROWS = (
    Row("m_all", "refreshed", (), 8),
    Row("m_sen", "refreshed", SENSITIVE, 8),
    Row("m_all", "refreshed", (), 3),
    Row("m_sen", "refreshed", SENSITIVE, 3),
    Row("published.m_all", "published", (), 8),
    Row("published.m_sen", "published", SENSITIVE, 8),
)


@dataclass(frozen=True)
class Reading:
    """How many objects that had to go were found in one photo, and what its cloak did to it and cost."""

    before: int
    after: int
    after_jpeg: int
    decibels: float
    decibels_jpeg: float
    likeness: float
    steps: int


@dataclass
class Tally:
    """The readings of one row, of the photos that hold something that has to go."""

    readings: list[Reading] = field(default_factory=list)

    def figures(self, prefix: str) -> dict[str, float]:
        if not self.readings:
            raise RuntimeError("no test photo has anything to hide: the detector's weights are not the trained ones")

        def mean(values: Iterator[float]) -> float:
            return float(np.mean(list(values)))

        objects = sum(reading.before for reading in self.readings)
        return {
            f"{prefix}.images": len(self.readings),
            f"{prefix}.success": mean(reading.after == 0 for reading in self.readings),
            f"{prefix}.leakage": sum(reading.after for reading in self.readings) / objects,
            f"{prefix}.psnr": mean(reading.decibels for reading in self.readings),
            f"{prefix}.ssim": mean(reading.likeness for reading in self.readings),
            f"{prefix}.steps": mean(reading.steps for reading in self.readings),
            f"{prefix}.jpeg.success": mean(reading.after_jpeg == 0 for reading in self.readings),
            f"{prefix}.jpeg.leakage": sum(reading.after_jpeg for reading in self.readings) / objects,
            f"{prefix}.jpeg.psnr": mean(reading.decibels_jpeg for reading in self.readings),
        }


def measure(detector: Detector, row: Row, pixels: NDArray[np.uint8]) -> Reading | None:
    """Cloak one photo and read what is delivered; None where it holds nothing that has to go."""
    protector = ObjectDisappearance(detector, row.sensitive, rule=row.rule)

    def found(form: NDArray[np.uint8]) -> int:
        (detections,) = detector.detect(as_tensor(form), PUBLISHED_THRESHOLD)
        return len(protector.counted([detection.label for detection in detections]))

    before = found(pixels)
    if not before:
        return None
    outcome = outcome_of(protector, as_tensor(pixels), Budget(row.levels / 255, STEPS))
    delivered = as_pixels(outcome.images)
    compressed = through_jpeg(delivered)
    return Reading(
        before=before,
        after=found(delivered),
        after_jpeg=found(compressed),
        # An unchanged photo would be infinitely good; 100 dB keeps the mean a number and is never reached otherwise.
        decibels=min(100.0, psnr(pixels, delivered)),
        decibels_jpeg=min(100.0, psnr(pixels, compressed)),
        likeness=ssim(pixels, delivered),
        steps=outcome.steps[0],
    )


@functools.cache
def _detector() -> Detector:
    """The detector of this process, which may be one of a pool."""
    return load_detector(entry("people_detector"), torch.device("cpu"))


def _measure(task: tuple[Row, NDArray[np.uint8]]) -> Reading | None:
    # One thread a process: on a CPU that is well quicker than all threads on one small photo.
    torch.set_num_threads(1)
    return measure(_detector(), *task)


def chosen_photos(archive: Archive, detector: Detector, count: int) -> list[NDArray[np.uint8]]:
    """Test photos, drawn without order, in which the detector finds something; ``count`` of them hold a sensitive object.

    M_all is measured on all of them, M_sen on those ``count``.
    """
    order = np.random.default_rng(SEED).permutation(np.where(archive["is_test"])[0])
    photos: list[NDArray[np.uint8]] = []
    sensitive = 0
    for index in order.tolist():
        pixels = archive.image(index)
        (found,) = detector.detect(as_tensor(pixels))
        if found:
            photos.append(pixels)
            sensitive += any(detection.label in SENSITIVE for detection in found)
        if sensitive == count:
            break
    return photos


def run(quick: bool, data: Path, report: Callable[[str], None]) -> dict[str, float]:
    """All figures of ``objects.json``; ``quick`` takes few photos and leaves the detector's own quality out."""
    detector = _detector()
    figures: dict[str, float] = {}
    if not quick:
        quality = average_precisions(detector, data)
        figures |= {f"detector.{key}": value for key, value in quality.items()}
        for name in ("street", "others", "photos"):
            figures[f"detector.{name}.ap50"] = quality[f"{name}.person.ap50"]
            report(f"detector {name}: person AP50 {figures[f'detector.{name}.ap50']:.3f}")
    photos = chosen_photos(Archive(data / "people.npz"), detector, QUICK_PHOTOS if quick else PHOTOS)
    with ProcessPoolExecutor(os.cpu_count() or 1, multiprocessing.get_context("spawn")) as pool:
        for row in ROWS[:2] if quick else ROWS:
            tally = Tally()
            for number, reading in enumerate(pool.map(_measure, [(row, pixels) for pixels in photos]), 1):
                if reading:
                    tally.readings.append(reading)
                if number % 20 == 0:
                    report(f"{row.prefix}: {number}/{len(photos)} photos")
            figures |= (own := tally.figures(row.prefix))
            report(" ".join(f"{key} {value:.4f}" for key, value in own.items()))
    return figures
