"""Measures each protector's success on the file that a site keeps, by pipeline, with the embedded networks alone.

With ``--real``, lasting.py measures cloaks against real networks instead, for the same file ``survival.json``. All names here
get the prefix ``before.`` there, since this was the product before it had real networks.

Photos are cloaked twice: against the uploads that ``UPLOADS`` models, and without that work, with the prefix ``baseline.``.
Success is the protector's verdict on the decoded file, over photos with something to hide. ``untouched`` is the success on
uncloaked photos, which is the pipeline's effect and not ours.

- ``m_all.facebook.success``, ``.psnr``: M_all after Facebook's processing; the PSNR is between the cloaked and the original
  photo, both after the pipeline. ``m_all.delivered`` is the file before the upload, ``m_all.float`` the result before rounding
  to 8 bits.
- ``m_all.worst``: the success of the worst pipeline over that before the upload.
- ``large.``: photos of twelve megapixels (large.py).
- ``unseen.webp75``: 1 if optimisation never used a similar pipeline.
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
from protectors.evaluation import large, lasting
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

EMBEDDED = "before"
"""Prefix of all figures here: those of cloaks against real networks (``lasting.py``) have none, and are in the same file."""

PHOTOS = 40
QUICK_PHOTOS = 2
STRIPS = 3

BASELINE_STEPS = 30
"""Steps of the baseline, which does not optimise for survival."""

OTHERS = (
    Pipeline("smaller", 85, scale=0.75),
    twice(Pipeline("jpeg85", 85), Pipeline("jpeg70", 70)),
    Pipeline("webp75", 75, "webp"),
    Pipeline("lanczos60", 80, scale=0.6, kernel="lanczos"),
)
"""Pipelines besides the sites': shrinking, which sites do to larger photos than these; two encodings, as of a photo that goes
from one site to another; WebP; and another filter."""

UNSEEN = ("webp75", "lanczos60", "jpeg85_jpeg70")
"""Pipelines unlike any in ``UPLOADS``: another format, another filter and size, a second JPEG."""


@dataclass(frozen=True)
class Subject:
    """One protector alone, and the archive of its photos."""

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
    """The way in which a photo is cloaked: the subject, ours or the baseline, and the device."""

    subject: str
    ours: bool
    device: str


@dataclass(frozen=True)
class Reading:
    """One photo: whether it is protected in each form, and its quality in each."""

    protected: Mapping[str, bool]
    decibels: Mapping[str, float]
    likeness: float
    untouched: Mapping[str, bool]
    pixels: Pixels


def pipelines() -> tuple[Pipeline, ...]:
    """Return the sites' pipelines and the others."""
    return (*sites.pipelines(), *OTHERS)


def without(room: Cloakroom, subject: str) -> Protector:
    """Return the protector that optimises only for the daemon's file, not for survival."""
    if subject == "search":
        return SearchProtector(room.adversaries.encoders, torch.Generator())
    if subject == "scene":
        (classifier,) = room.adversaries.classifiers
        return SceneProtector(classifier, torch.Generator().manual_seed(SEED), MARGIN, channels=OWN_FILE)
    (detector,) = (candidate for candidate in room.adversaries.detectors if isinstance(candidate, TwoStageDetector))
    return ObjectDisappearance(detector, SUBJECTS[subject].policy.sensitive)


def measure(task: Task, photo: Pixels) -> Reading:
    """Cloak one photo, and judge every form of it."""
    room, policy = room_of(task.device), SUBJECTS[task.subject].policy
    judge = room.judge(policy, photo)
    if task.ours:
        # Each photo starts from the same seed, so that results do not depend on the pool's processes.
        unrounded = end_of(room.cloaked(judge, SEED)).unrounded
    else:
        originals, budget = as_tensor(photo).to(task.device), BUDGETS[policy.strength]
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
    """Return shares and means over one protector's photos."""
    figures: Figures = {"images": len(readings), "ssim": float(np.mean([reading.likeness for reading in readings]))}
    for name in readings[0].protected:
        figures[f"{name}.success"] = float(np.mean([reading.protected[name] for reading in readings]))
    for name in readings[0].decibels:
        # PSNR is infinite for an unchanged photo.
        figures[f"{name}.psnr"] = float(np.mean([min(100.0, reading.decibels[name]) for reading in readings]))
    for name in readings[0].untouched:
        figures[f"{name}.untouched"] = float(np.mean([reading.untouched[name] for reading in readings]))
    before = figures["delivered.success"]
    figures["worst"] = min(figures[f"{name}.success"] for name in readings[0].untouched) / before if before else 0.0
    return figures


def photos_of(task: Task, data: Path, count: int) -> list[Pixels]:
    """Return random test photos with something to hide."""
    subject = SUBJECTS[task.subject]
    archive = Archive(data / subject.archive)
    order = np.random.default_rng(SEED).permutation(np.where(archive["is_test"])[0])
    photos: list[Pixels] = []
    for index in order.tolist():
        photo = archive.image(index)
        # If the original counts as protected, it has nothing to hide.
        if not all_protected(room_of(task.device).judge(subject.policy, photo).verdicts(photo)):
            photos.append(photo)
        if len(photos) == count:
            break
    return photos


def run(measurement: Measurement) -> None:
    """Measure all figures of ``survival.json``.

    Raises:
        DamagedWeightsError: real networks are asked for, and have not been pulled.
    """
    if measurement.real:
        lasting.run(measurement)
        return
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
    measurement.figures = {f"{EMBEDDED}.{name}": value for name, value in measurement.figures.items()}


def row(measurement: Measurement, pool: Executor | None, task: Task, prefix: str) -> Figures:
    """Measure one protector, with or without our work, after every pipeline."""
    photos = photos_of(task, measurement.data, QUICK_PHOTOS if measurement.quick else PHOTOS)
    readings = each(pool, partial(measure, task), photos, measurement)
    for number, (photo, reading) in enumerate(zip(photos[:STRIPS], readings[:STRIPS], strict=True), 1):
        measurement.strip(f"{prefix}.{number}", [photo, reading.pixels])
    return {f"{prefix}.{key}": value for key, value in figures_of(readings).items()}
