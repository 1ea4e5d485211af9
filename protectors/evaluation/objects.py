"""Measures Object Disappearance on the people test photos: success, leakage and quality, by detection on delivered files.

leakage.py defines success and leakage. The figures correspond to the paper's tables and plots:

- ``m_all.eps8``, ``m_sen.eps8`` and so on for 1 to 10 levels: everything hidden, or persons read as something else. The
  ``published`` rule's rows are beside them. 3 and 8 levels are measured on all photos, the others on the first
  ``FEW_PHOTOS`` of them (on a GPU: on all); ``images`` is the number of photos with an object to hide.
- ``m_all.t20`` to ``t40``: the photos of eps8, for detection thresholds of 0.2 to 0.4, before and after.
- ``m_all.person`` and the other classes: the photos of eps8 with that class, counting only that class. ``m_sen.person`` is the
  same; for ``m_sen.vehicle`` and so on, that class was the sensitive one, in at most ``FEW_PHOTOS``.
- ``baseline.blur`` and so on: image processing in place of the method, counting everything (strengths: image_processing.py).
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from protectors.adversaries.detector import TwoStageDetector
from protectors.adversaries.loading import load_two_stage
from protectors.archive import Archive
from protectors.base import Budget, CloakedBatch
from protectors.channel.exact import through_jpeg
from protectors.evaluation.image_processing import BASELINES
from protectors.evaluation.leakage import Form, Found, counted, privacy, quality, under
from protectors.evaluation.measurement import SEED, Figures, Measurement
from protectors.evaluation.processes import each, processes
from protectors.evaluation.reading import average_precisions
from protectors.evaluation.running import cloaked_batch
from protectors.manifest import resolve
from protectors.objects import ObjectDisappearance, Rule
from protectors.quality import as_pixels, as_tensor, psnr, ssim
from protectors.saving import Pixels

EMBEDDED = "people_detector"

PHOTOS = 100
"""Number of photos with a sensitive object; the other photos drawn meanwhile count for M_all."""

FEW_PHOTOS = 30
"""Number of photos for less important rows without a GPU."""

QUICK_PHOTOS = 4

STRIPS = 3
"""Photos that the report shows; a quick run's shows one."""

STEPS = 30
"""Steps of the method."""

SENSITIVE = ("person",)
MODES: dict[str, tuple[str, ...]] = {"m_all": (), "m_sen": SENSITIVE}
"""The sensitive classes in each mode of the method; none means that everything is hidden."""

MAIN_LEVELS = 8
"""The budget for thresholds, classes and the published rule, in 8-bit levels."""

SMALL_LEVELS = 3
"""The other budget that is measured on all photos."""

OTHER_LEVELS = (1, 2, 4, 5, 6, 7, 9, 10)

THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Adversary:
    """A detector's name, its device, and the folder of pulled models, with which each process of a pool loads it."""

    name: str
    device: str
    models: Path | None


@dataclass(frozen=True)
class Row:
    """One row of a table: the sensitive classes, the budget in 8-bit levels, and the rule."""

    prefix: str
    sensitive: tuple[str, ...]
    levels: int = MAIN_LEVELS
    rule: Rule = "refreshed"


@dataclass(frozen=True)
class Photo:
    """A test photo uint8 [H, W, 3], and its detections at the lowest threshold."""

    pixels: Pixels
    found: Found


@dataclass(frozen=True)
class Reading:
    """One cloaked photo as delivered, lossless and as JPEG, and the number of steps."""

    lossless: Form
    jpeg: Form
    steps: int


def row_figures(row: Row, readings: Sequence[Reading]) -> Figures:
    lossless, jpeg = [reading.lossless for reading in readings], [reading.jpeg for reading in readings]
    return {
        **under(row.prefix, privacy(lossless, row.sensitive) | quality(lossless)),
        f"{row.prefix}.steps": float(np.mean([reading.steps for reading in readings])),
        **under(f"{row.prefix}.jpeg", privacy(jpeg, row.sensitive) | quality(jpeg)),
    }


def finer_figures(mode: str, readings: Sequence[Reading], classes: Sequence[str]) -> Figures:
    """Return the figures of the same photos by detection threshold, and by each class that was hidden."""
    forms = [reading.lossless for reading in readings]
    sensitive = MODES[mode]
    figures: Figures = {}
    for threshold in THRESHOLDS:
        figures |= under(f"{mode}.t{100 * threshold:.0f}", privacy(forms, sensitive, threshold))
    for label in classes:
        if not sensitive or label in sensitive:
            figures |= under(f"{mode}.{label}", privacy(forms, (label,)))
    return figures


@cache
def detector_of(adversary: Adversary) -> TwoStageDetector:
    """Load the detector once in this process, which may be one of a pool."""
    return load_two_stage(resolve(adversary.name), torch.device(adversary.device), adversary.models)


def as_read(detector: TwoStageDetector, pixels: Pixels) -> Tensor:
    """Turn pixels into float32 [1, 3, H, W] on the detector's device."""
    return as_tensor(pixels).to(next(detector.model.parameters()).device)


def photo_of(detector: TwoStageDetector, pixels: Pixels) -> Photo:
    return Photo(pixels, find(detector, pixels))


def find(detector: TwoStageDetector, pixels: Pixels) -> Found:
    (found,) = detector.detect(as_read(detector, pixels), min(THRESHOLDS))
    return tuple(found)


def form_of(detector: TwoStageDetector, photo: Photo, pixels: Pixels) -> Form:
    """Detect objects in a form of a photo, and measure its quality."""
    # PSNR is infinite for an unchanged photo; 100 dB, which no changed photo reaches, keeps means finite.
    decibels = min(100.0, psnr(photo.pixels, pixels))
    return Form(photo.found, find(detector, pixels), decibels, ssim(photo.pixels, pixels))


def cloak(detector: TwoStageDetector, row: Row, photo: Photo) -> CloakedBatch:
    protector = ObjectDisappearance(detector, row.sensitive, rule=row.rule)
    return cloaked_batch(protector, as_read(detector, photo.pixels), Budget(row.levels / 255, STEPS))


def measure(detector: TwoStageDetector, row: Row, photo: Photo) -> Reading:
    """Cloak one photo and detect objects in what is delivered."""
    cloaked = cloak(detector, row, photo)
    delivered = as_pixels(cloaked.images)
    lossless, jpeg = (form_of(detector, photo, pixels) for pixels in (delivered, through_jpeg(delivered)))
    return Reading(lossless, jpeg, cloaked.steps[0])


def _measured(adversary: Adversary, row: Row, photo: Photo) -> Reading:
    return measure(detector_of(adversary), row, photo)


def _cloaked(adversary: Adversary, row: Row, photo: Photo) -> Pixels:
    return as_pixels(cloak(detector_of(adversary), row, photo).images)


def _processed(adversary: Adversary, name: str, photo: Photo) -> Form:
    return form_of(detector_of(adversary), photo, BASELINES[name](photo.pixels))


@dataclass(frozen=True)
class Bench:
    """Measures rows with one detector."""

    measurement: Measurement
    adversary: Adversary
    pool: Executor | None
    classes: tuple[str, ...]
    """Classes with separate figures."""

    def each(self, task: Callable[[Photo], Result], photos: Sequence[Photo]) -> list[Result]:
        return each(self.pool, task, photos, self.measurement)

    def readings(self, row: Row, photos: Sequence[Photo]) -> list[Reading]:
        """Measure the photos with an object to hide."""
        holding = [photo for photo in photos if counted(photo.found, row.sensitive)]
        if not holding:
            raise RuntimeError("no test photo has anything to hide: the detector's weights are not the trained ones")
        return self.each(partial(_measured, self.adversary, row), holding)

    def main_row(self, mode: str, photos: Sequence[Photo]) -> Figures:
        row = Row(f"{mode}.eps{MAIN_LEVELS}", MODES[mode])
        readings = self.readings(row, photos)
        return row_figures(row, readings) | finer_figures(mode, readings, self.classes)

    def row(self, row: Row, photos: Sequence[Photo]) -> Figures:
        return row_figures(row, self.readings(row, photos))

    def baseline(self, name: str, photos: Sequence[Photo]) -> Figures:
        forms = self.each(partial(_processed, self.adversary, name), photos)
        return under(f"baseline.{name}", privacy(forms, ()) | quality(forms))

    def strips(self, photos: Sequence[Photo]) -> Figures:
        """Keep strips of the first photos with a sensitive object: original, after M_all, after M_sen."""
        shown = [photo for photo in photos if counted(photo.found, SENSITIVE)][: 1 if self.measurement.quick else STRIPS]
        cloaked = [self.each(partial(_cloaked, self.adversary, Row(mode, variant)), shown) for mode, variant in MODES.items()]
        for number, (photo, *made) in enumerate(zip(shown, *cloaked, strict=True), 1):
            self.measurement.strip(f"original.m_all.m_sen.{number}", [photo.pixels, *made])
        return {}


def chosen_photos(archive: Archive, detector: TwoStageDetector, count: int) -> list[Photo]:
    """Return random test photos in which the detector finds something; ``count`` of them have a sensitive object.

    M_all is measured on all of them, M_sen on those ``count``.
    """
    order = np.random.default_rng(SEED).permutation(np.where(archive["is_test"])[0])
    photos: list[Photo] = []
    sensitive = 0
    for index in order.tolist():
        photo = photo_of(detector, archive.image(index))
        if counted(photo.found, ()):
            photos.append(photo)
            sensitive += counted(photo.found, SENSITIVE) > 0
        if sensitive == count:
            break
    return photos


def detector_figures(data: Path) -> Figures:
    """Return the average precisions of the embedded detector."""
    precisions = average_precisions(load_two_stage(resolve(EMBEDDED), torch.device("cpu")), data)
    people = {f"{name}.ap50": precisions[f"{name}.person.ap50"] for name in ("street", "others", "photos")}
    return under("detector", precisions | people)


def run(measurement: Measurement) -> None:
    """Measure all figures of ``objects.json``; a quick run uses few photos, the main budget and the baselines.

    The adversary is the measurement's, or the embedded detector. A detector with other classes (COCO's) has figures by class
    for persons only, and no average precision, since its test photos are not available.
    """
    entry = resolve(measurement.adversary or EMBEDDED, "objects")
    adversary = Adversary(entry.name, measurement.device, measurement.models)
    if entry.name == EMBEDDED and not measurement.quick:
        measurement.part("detector", partial(detector_figures, measurement.data))
    count = QUICK_PHOTOS if measurement.quick else PHOTOS
    photos = chosen_photos(Archive(measurement.data / "people.npz"), detector_of(adversary), count)
    with processes(measurement.device) as pool:
        bench = Bench(measurement, adversary, pool, entry.classes or SENSITIVE)
        for mode in MODES:
            measurement.part(f"{mode}.eps{MAIN_LEVELS}", partial(bench.main_row, mode, photos))
        for name in BASELINES:
            measurement.part(f"baseline.{name}", partial(bench.baseline, name, photos))
        if measurement.strips:
            measurement.part("strips", partial(bench.strips, photos))
        if not measurement.quick:
            for row, chosen in further_rows(photos, bench.classes, measurement.device):
                measurement.part(row.prefix, partial(bench.row, row, chosen))


def further_rows(photos: Sequence[Photo], classes: Sequence[str], device: str) -> Iterator[tuple[Row, Sequence[Photo]]]:
    """Yield the rows of a full run only, each with its photos."""
    few = len(photos) if device == "cuda" else FEW_PHOTOS
    for mode, sensitive in MODES.items():
        yield Row(f"{mode}.eps{SMALL_LEVELS}", sensitive, SMALL_LEVELS), photos
        yield Row(f"published.{mode}.eps{MAIN_LEVELS}", sensitive, rule="published"), photos
    for levels in OTHER_LEVELS:
        for mode, sensitive in MODES.items():
            yield Row(f"{mode}.eps{levels}", sensitive, levels), photos[:few]
    for label in classes:
        holding = [photo for photo in photos if counted(photo.found, (label,))]
        if label not in SENSITIVE and holding:
            yield Row(f"m_sen.{label}", (label,)), holding[:few]
