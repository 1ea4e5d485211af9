"""Object Disappearance on the people test photos: success, leakage and quality, by fresh detection on delivered files.

Success is the share of photos, among those in which the detector found something that had to go, in which a fresh
detection on the delivered file finds nothing that had to go; leakage is the number of such objects found afterwards over
the number found before (Xue et al., SocialGuard, 2021, section 4: privacy-preserving success rate and leakage rate).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from protectors.adversaries.detector import Detector
from protectors.adversaries.loading import load_detector
from protectors.archive import Archive
from protectors.base import Budget
from protectors.evaluation.delivery import outcome_of, through_jpeg
from protectors.evaluation.reading import average_precisions
from protectors.manifest import entry
from protectors.objects import ObjectDisappearance, Rule
from protectors.quality import as_pixels, as_tensor, psnr, ssim

PHOTOS = 100
"""Photos with a sensitive object in them; the others that are drawn on the way count for M_all."""

QUICK_PHOTOS = 6
STEPS = 60
SENSITIVE = ("person",)
SEED = 0


@dataclass
class Tally:
    """One row of the table, photo by photo."""

    protected: list[bool] = field(default_factory=list)
    protected_jpeg: list[bool] = field(default_factory=list)
    objects_before: int = 0
    objects_after: int = 0
    objects_after_jpeg: int = 0
    decibels: list[float] = field(default_factory=list)
    decibels_jpeg: list[float] = field(default_factory=list)
    likeness: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    def figures(self, prefix: str) -> dict[str, float]:
        if not self.protected:
            raise RuntimeError("no test photo has anything to hide: the detector's weights are not the trained ones")
        return {
            f"{prefix}.images": len(self.protected),
            f"{prefix}.success": float(np.mean(self.protected)),
            f"{prefix}.leakage": self.objects_after / self.objects_before,
            f"{prefix}.psnr": float(np.mean(self.decibels)),
            f"{prefix}.ssim": float(np.mean(self.likeness)),
            f"{prefix}.steps": float(np.mean(self.steps)),
            f"{prefix}.jpeg.success": float(np.mean(self.protected_jpeg)),
            f"{prefix}.jpeg.leakage": self.objects_after_jpeg / self.objects_before,
            f"{prefix}.jpeg.psnr": float(np.mean(self.decibels_jpeg)),
        }


def measure(protector: ObjectDisappearance, pixels: NDArray[np.uint8], budget: Budget, tally: Tally) -> None:
    """Cloak one photo and enter it, where it holds something that has to go."""
    originals = as_tensor(pixels)
    (before,) = protector.judge(originals, originals)
    counted = protector.counted(before.before)
    if not counted:
        return
    outcome = outcome_of(protector, originals, budget)
    delivered = as_pixels(outcome.images)
    compressed = through_jpeg(delivered)
    readings = [protector.judge(originals, as_tensor(form))[0] for form in (delivered, compressed)]
    left, left_jpeg = (len(protector.counted(reading.after)) for reading in readings)
    tally.objects_before += len(counted)
    tally.objects_after += left
    tally.objects_after_jpeg += left_jpeg
    tally.protected.append(left == 0)
    tally.protected_jpeg.append(left_jpeg == 0)
    # An unchanged photo would be infinitely good; 100 dB keeps the mean a number and is never reached otherwise.
    tally.decibels.append(min(100.0, psnr(pixels, delivered)))
    tally.decibels_jpeg.append(min(100.0, psnr(pixels, compressed)))
    tally.likeness.append(ssim(pixels, delivered))
    tally.steps.extend(outcome.steps)


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
    detector = load_detector(entry("people_detector"), torch.device("cpu"))
    figures: dict[str, float] = {}
    if not quick:
        quality = average_precisions(detector, data)
        figures |= {f"detector.{key}": value for key, value in quality.items()}
        for name in ("street", "others", "photos"):
            figures[f"detector.{name}.ap50"] = quality[f"{name}.person.ap50"]
            report(f"detector {name}: person AP50 {figures[f'detector.{name}.ap50']:.3f}")
    photos = chosen_photos(Archive(data / "people.npz"), detector, QUICK_PHOTOS if quick else PHOTOS)
    rows: list[tuple[str, Rule, tuple[str, ...], int]] = [
        ("m_all", "refreshed", (), 8),
        ("m_sen", "refreshed", SENSITIVE, 8),
        ("m_all", "refreshed", (), 3),
        ("m_sen", "refreshed", SENSITIVE, 3),
        ("published.m_all", "published", (), 8),
        ("published.m_sen", "published", SENSITIVE, 8),
    ]
    for name, rule, sensitive, levels in rows[:2] if quick else rows:
        protector = ObjectDisappearance(detector, sensitive, rule=rule)
        tally = Tally()
        budget = Budget(levels / 255, STEPS)
        for number, pixels in enumerate(photos):
            measure(protector, pixels, budget, tally)
            if number % 20 == 19:
                report(f"{name} eps{levels}: {number + 1}/{len(photos)} photos")
        row = tally.figures(f"{name}.eps{levels}")
        figures |= row
        report(" ".join(f"{key} {value:.4f}" for key, value in row.items() if not math.isnan(value)))
    return figures
