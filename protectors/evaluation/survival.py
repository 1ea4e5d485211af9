"""Measures what survives a site: each protector's success on the very file that a site would keep, by pipeline.

Photos are cloaked twice: for the uploads that ``UPLOADS`` stands for, and without that work, under ``baseline.``. Success is a
protector's own verdict on the decoded file, of the photos in which there was something to hide. ``untouched`` is what the
pipeline does to a photo that nobody cloaked: what it spoils by itself is no merit of ours.

- ``m_all.facebook.success``, ``.psnr``: M_all, through what Facebook does; the PSNR is that of what people see there, cloaked
  and not, both through the pipeline. ``m_all.delivered`` is the file before the upload, ``m_all.float`` the result before it is
  rounded to 8 bits.
- ``m_all.worst``: the success of the worst pipeline over that before the upload.
- ``large.``: photos of twelve megapixels (large.py).
- ``unseen.webp75``: 1 where no step of the optimisation ever tried a pipeline like it.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from protectors.adversaries.detector import TwoStageDetector
from protectors.archive import Archive
from protectors.base import Budget, Protector
from protectors.channel import sites
from protectors.channel.channel_set import OWN_FILE
from protectors.channel.exact import through_jpeg
from protectors.channel.pipeline import Pipeline, twice
from protectors.cloak import Cloakroom
from protectors.evaluation import large
from protectors.evaluation.measurement import SEED, Figures, Measurement
from protectors.evaluation.processes import each, processes, room_of
from protectors.evaluation.running import cloaked_batch
from protectors.judging.verdict import all_protected
from protectors.objects import ObjectDisappearance
from protectors.policy import BUDGETS, Policy
from protectors.progress import end_of
from protectors.quality import as_pixels, as_tensor, psnr, ssim
from protectors.saving import Pixels
from protectors.scene import MARGIN, SceneProtector
from protectors.search import SearchProtector

PHOTOS = 40
QUICK_PHOTOS = 2
STRIPS = 3

BASELINE_STEPS = 30
"""What every photo was given before there was anything to survive."""

OTHERS = (
    Pipeline("smaller", 85, scale=0.75),
    twice(Pipeline("jpeg85", 85), Pipeline("jpeg70", 70)),
    Pipeline("webp75", 75, "webp"),
    Pipeline("lanczos60", 80, scale=0.6, kernel="lanczos"),
)
"""Besides the sites' own: made smaller, which sites do to photos larger than these; and encoded twice, as a photo is that
goes from one site to another."""

UNSEEN = ("webp75", "lanczos60", "jpeg85_jpeg70")
"""Nothing like these is in ``UPLOADS``: another code, another filter and size, a second JPEG."""


@dataclass(frozen=True)
class Subject:
    """One protector alone, and where its photos come from."""

    archive: str
    policy: Policy


SUBJECTS: Mapping[str, Subject] = {
    "m_all": Subject("people.npz", Policy(("objects",))),
    "m_sen": Subject("people.npz", Policy(("objects",), sensitive=("person",))),
    "search": Subject("scenes6.npz", Policy(("search",))),
    "scene": Subject("scenes6.npz", Policy(("scene",))),
}


@dataclass(frozen=True)
class Task:
    """The way a photo is cloaked: against what, ours or the baseline, on which device."""

    subject: str
    ours: bool
    device: str


@dataclass(frozen=True)
class Reading:
    """One photo: whether it is protected in each form, and its quality there."""

    protected: Mapping[str, bool]
    decibels: Mapping[str, float]
    likeness: float
    untouched: Mapping[str, bool]
    pixels: Pixels


def pipelines() -> tuple[Pipeline, ...]:
    """Return those of the sites in their table, and the others."""
    return (*sites.pipelines(), *OTHERS)


def without(room: Cloakroom, subject: str) -> Protector:
    """Return the protector as it was before anything was done for survival: for the daemon's own file alone."""
    if subject == "search":
        return SearchProtector(room.adversaries.encoders, torch.Generator())
    if subject == "scene":
        (classifier,) = room.adversaries.classifiers
        return SceneProtector(classifier, torch.Generator().manual_seed(SEED), MARGIN, channels=OWN_FILE)
    (detector,) = (candidate for candidate in room.adversaries.detectors if isinstance(candidate, TwoStageDetector))
    return ObjectDisappearance(detector, SUBJECTS[subject].policy.sensitive)


def measure(task: Task, photo: Pixels) -> Reading:
    """Cloak one photo, and read every form that it takes."""
    room, policy = room_of(task.device), SUBJECTS[task.subject].policy
    originals, judge = as_tensor(photo).to(task.device), room.judge(policy, photo)
    if task.ours:
        # A seed a photo: in a pool nothing depends on which process takes which.
        unrounded = end_of(room.cloaked(originals, judge, SEED)).unrounded
    else:
        budget = BUDGETS[policy.strength]
        unrounded = cloaked_batch(without(room, task.subject), originals, Budget(budget.radius, BASELINE_STEPS)).unrounded
    pixels = through_jpeg(as_pixels(unrounded))
    protected = {
        "float": all_protected(judge.verdicts(unrounded)),
        "delivered": all_protected(judge.verdicts(pixels)),
    }
    decibels, untouched = {"delivered": psnr(photo, pixels)}, {}
    for pipeline in pipelines():
        kept, plain = pipeline.exact(pixels), pipeline.exact(photo)
        protected[pipeline.name] = all_protected(judge.verdicts(kept))
        untouched[pipeline.name] = all_protected(judge.verdicts(plain))
        decibels[pipeline.name] = psnr(plain, kept)
    return Reading(protected, decibels, ssim(photo, pixels), untouched, pixels)


def figures_of(readings: Sequence[Reading]) -> Figures:
    """Shares and means of one protector's photos."""
    figures: Figures = {"images": len(readings), "ssim": float(np.mean([reading.likeness for reading in readings]))}
    for name in readings[0].protected:
        figures[f"{name}.success"] = float(np.mean([reading.protected[name] for reading in readings]))
    for name in readings[0].decibels:
        # A photo that nobody had to change would be infinitely good.
        figures[f"{name}.psnr"] = float(np.mean([min(100.0, reading.decibels[name]) for reading in readings]))
    for name in readings[0].untouched:
        figures[f"{name}.untouched"] = float(np.mean([reading.untouched[name] for reading in readings]))
    before = figures["delivered.success"]
    figures["worst"] = min(figures[f"{name}.success"] for name in readings[0].untouched) / before if before else 0.0
    return figures


def photos_of(task: Task, data: Path, count: int) -> list[Pixels]:
    """Test photos, drawn without order, in which there is something to hide."""
    subject = SUBJECTS[task.subject]
    archive = Archive(data / subject.archive)
    order = np.random.default_rng(SEED).permutation(np.where(archive["is_test"])[0])
    photos: list[Pixels] = []
    for index in order.tolist():
        photo = archive.image(index)
        # Where even the photo itself counts as protected there is nothing to hide.
        if not all_protected(room_of(task.device).judge(subject.policy, photo).verdicts(photo)):
            photos.append(photo)
        if len(photos) == count:
            break
    return photos


def run(measurement: Measurement) -> None:
    """All figures of ``survival.json``."""
    measurement.figures |= {f"unseen.{pipeline.name}": float(pipeline.name in UNSEEN) for pipeline in pipelines()}
    gaps = []
    with processes(measurement.device) as pool:
        for name in SUBJECTS:
            for ours in (True, False):
                task = Task(name, ours, measurement.device)
                prefix = name if ours else f"baseline.{name}"
                figures = measurement.part(prefix, partial(row, measurement, pool, task, prefix))
                if ours:
                    gaps.append(figures[f"{name}.float.success"] - figures[f"{name}.delivered.success"])
        measurement.part("large", partial(large.row, measurement, pool))
    measurement.figures["delivery.gap"] = max(gaps)


def row(measurement: Measurement, pool: Executor | None, task: Task, prefix: str) -> Figures:
    """One protector with our work or without it, through every pipeline."""
    photos = photos_of(task, measurement.data, QUICK_PHOTOS if measurement.quick else PHOTOS)
    readings = each(pool, partial(measure, task), photos, measurement)
    for number, (photo, reading) in enumerate(zip(photos[:STRIPS], readings[:STRIPS], strict=True), 1):
        measurement.strip(f"{prefix}.{number}", [photo, reading.pixels])
    return {f"{prefix}.{key}": value for key, value in figures_of(readings).items()}
