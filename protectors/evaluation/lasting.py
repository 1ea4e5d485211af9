"""Measures how much of a cloak against real networks is left after each site and four further pipelines, at native size.

This is the part of ``survival.json`` that ``cloakroom evaluate survival --real`` measures. The photos are COCO's of
``photos.npz`` that nothing was tuned on, about 640x480, and those of a folder that a person names, each at its own size. They
are cloaked as by the product: ``m_all``, ``search`` and ``scene`` by one cloak against all, and ``m_sen`` by one that has
people read as something else, where a network finds people. A network counts for a photo in which it reads something.

- ``m_all.facebook.success``: the share of photos in which Facebook's file fools all networks that cloaks are optimised on;
  ``.delivered`` is the file before the upload; ``.avif50``, ``.lanczos60`` and ``.jpeg85_jpeg70`` are pipelines that nothing
  was optimised on; ``.webp75`` is what decides on further steps (``refinement/photo.py``);
- ``m_all.facebook.networks``: the same share of pairs of a photo and such a network; ``m_all.facebook.judges``: of pairs of a
  photo and a network that no cloak is optimised on;
- ``m_all.worst``: the worst pipeline's success over that before the upload, with a 95 % interval (``.low``, ``.high``);
  ``m_all.networks.worst`` and so on: the same for pairs;
- ``m_all.photos``, ``m_all.pairs``: how many photos and pairs of a photo and a network these shares are of;
- ``large.m_all.worst`` and so on: the photos of at least ``LARGE`` pixels alone;
- ``photos``, ``large.photos``: the number of photos, and of those with at least ``LARGE`` pixels.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, features

from protectors.archive import Archive
from protectors.channel import sites
from protectors.channel.pipeline import Pipeline, twice
from protectors.cloak import Cloakroom
from protectors.evaluation.avif import AvifPipeline
from protectors.evaluation.delivery import DELIVERED, Processing, delivered_pixels, read_forms
from protectors.evaluation.intervals import ratio_with_interval
from protectors.evaluation.measurement import SEED, Figures, Measurement
from protectors.evaluation.processes import each, processes
from protectors.evaluation.tuning_photos import not_tuned_on
from protectors.judging.judge import Judge
from protectors.manifest import DamagedWeightsError
from protectors.names import OBJECTS, SCENE, SEARCH
from protectors.policy import Policy
from protectors.progress import end_of
from protectors.saving import Pixels

OTHERS: tuple[Processing, ...] = (
    AvifPipeline("avif50", 50),
    Pipeline("lanczos60", 80, scale=0.6, kernel="lanczos"),
    twice(Pipeline("jpeg85", 85), Pipeline("jpeg70", 70)),
    Pipeline("webp75", 75, "webp"),
)
"""Three pipelines unlike any that cloaks are optimised on (another format, another filter, a second JPEG), and the one
that decides on further steps."""

LONGEST_WEBP = 16383
"""Longest side in pixels of a WebP file."""

POLICIES = {"all": Policy((OBJECTS, SEARCH, SCENE)), "people": Policy((OBJECTS,), sensitive=("person",))}
SUBJECTS = {OBJECTS: "m_all", "people": "m_sen"}
"""Names of the figures where they are not the protector's."""

KINDS = {"success": ("worst", "photos"), "networks": ("networks.worst", "pairs"), "judges": ("judges.worst", "judged")}
"""For each kind of count, the ends of two figures' names: the ratio for the worst pipeline, and the number counted."""

LEAST_SIDE = 640
"""Length of the longer side in pixels from which a photo counts as one of native size."""

LARGE = 6_000_000
BLOCK = 8
QUICK_PHOTOS = 1


@dataclass(frozen=True)
class Task:
    """The policy's name, and the folder of the models."""

    policy: str
    models: Path


@dataclass(frozen=True)
class Fooled:
    """Whether each network is fooled by each form of one photo, by protector; networks that read nothing are left out."""

    pixels: int
    forms: Mapping[str, Mapping[str, tuple[bool, ...]]]
    judges: Mapping[str, Mapping[str, tuple[bool, ...]]]

    def as_figures(self, name: str) -> Figures:
        """Return the counts of this photo by ``NAME.PROTECTOR.FORM.KIND`` and 1 for each ``…fooled`` one."""
        figures: Figures = defaultdict(float)
        for kind, by_protector in (("networks", self.forms), ("judges", self.judges)):
            for protector, by_form in by_protector.items():
                for form, fooled in by_form.items():
                    key = f"{name}.{SUBJECTS.get(protector, protector)}.{form}"
                    figures[f"{key}.{kind}"] += len(fooled)
                    figures[f"{key}.{kind}.fooled"] += sum(fooled)
                    if kind == "networks":
                        figures[f"{key}.success"] += 1
                        figures[f"{key}.success.fooled"] += all(fooled)
        return dict(figures)


@cache
def _room(models: Path) -> Cloakroom:
    return Cloakroom("cpu", models)


def measure(task: Task, photo: Pixels | Path) -> Fooled:
    """Cloak one photo, and judge every form of it; nothing is cloaked where ``people`` are asked for and none are found."""
    pixels = photo if isinstance(photo, np.ndarray) else opened(photo)
    room, policy = _room(task.models), POLICIES[task.policy]
    judge = room.judge(policy, pixels)
    size = pixels.shape[0] * pixels.shape[1]
    if policy.sensitive and all(verdict.protected for verdict in judge.verdicts(pixels)):
        return Fooled(size, {}, {})
    made = end_of(room.cloak(judge, SEED))
    by_form = _judged(judge, delivered_pixels(made))
    return Fooled(size, _of(by_form, task.policy, is_judge=False), _of(by_form, task.policy, is_judge=True))


Answers = list[tuple[str, bool, bool]]
"""For each network that reads something in the original: its protector, whether it is a judge only, whether it is fooled."""


def _judged(judge: Judge, delivered: Pixels) -> dict[str, Answers]:
    # The original fools a network that reads nothing in it.
    reads = [not verdict.protected for verdict in judge.verdicts(judge.original)]

    def read(arrived: Pixels) -> Answers:
        verdicts = [verdict for verdict, counts in zip(judge.verdicts(arrived), reads, strict=True) if counts]
        return [(verdict.protector, verdict.is_judge_only, verdict.protected) for verdict in verdicts]

    return dict(read_forms(delivered, OTHERS, read))


def _of(by_form: Mapping[str, Answers], policy: str, *, is_judge: bool) -> dict[str, dict[str, tuple[bool, ...]]]:
    """Return whether the networks are fooled, by protector and form; of one kind of network only."""
    made: dict[str, dict[str, tuple[bool, ...]]] = {}
    for form, answers in by_form.items():
        for protector in dict.fromkeys(protector for protector, _, _ in answers):
            fooled = tuple(is_fooled for name, judge_only, is_fooled in answers if (name, judge_only) == (protector, is_judge))
            if fooled:
                made.setdefault("people" if policy == "people" else protector, {})[form] = fooled
    return made


def opened(path: Path) -> Pixels:
    """Return the pixels uint8 [H, W, 3] of a photo's file, upright."""
    with Image.open(path) as picture:
        return np.array(ImageOps.exif_transpose(picture).convert("RGB"))


def photos_of(measurement: Measurement) -> list[Pixels | Path]:
    """Return COCO's photos that nothing was tuned on, and the files of the named folder that are large enough, and not too
    large for WebP.

    Raises:
        FileNotFoundError: the archive or the folder is missing.
    """
    archive = Archive(measurement.data / "photos.npz")
    found: list[Pixels | Path] = list(archive.images(not_tuned_on(archive)[: QUICK_PHOTOS if measurement.quick else None]))
    if measurement.photos is None or measurement.quick:
        return found
    if not measurement.photos.is_dir():
        raise FileNotFoundError(f"there is no folder {measurement.photos}")
    for path in sorted(measurement.photos.iterdir()):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"):
            with Image.open(path) as picture:
                if LEAST_SIDE <= max(picture.size) <= LONGEST_WEBP:
                    found.append(path)
    return found


def run(measurement: Measurement) -> None:
    """Measure all figures.

    Raises:
        DamagedWeightsError: the pretrained networks have not been pulled.
        FileNotFoundError: the archive or the folder of photos is missing.
        RuntimeError: Pillow was built without AVIF.
    """
    if measurement.models is None or _room(measurement.models).model_set != "pretrained":
        raise DamagedWeightsError("the pretrained networks are not here: run `cloakroom models pull --set pretrained`")
    if not features.check("avif"):
        raise RuntimeError("this Pillow cannot write AVIF: install a newer one from PyPI")
    photos = photos_of(measurement)
    totals: Figures = defaultdict(float)
    with processes(measurement.device) as pool:
        for policy in POLICIES:
            task = Task(policy, measurement.models)
            for start in range(0, len(photos), BLOCK):
                kept = measurement.part(
                    f"{policy}.{start}", partial(_block, measurement, pool, task, photos[start : start + BLOCK])
                )
                for key, value in kept.items():
                    totals[key] += value
                    # Counts of a part are no figures of the result.
                    measurement.figures.pop(key, None)
    measurement.figures |= figures_of(totals)


def _block(measurement: Measurement, pool: Executor | None, task: Task, photos: Sequence[Pixels | Path]) -> Figures:
    total: Figures = defaultdict(float)
    for fooled in each(pool, partial(measure, task), photos, measurement):
        for name in ("every", "large") if fooled.pixels >= LARGE else ("every",):
            total[f"{name}.{task.policy}.photos"] += 1
            for key, value in fooled.as_figures(name).items():
                total[key] += value
    return dict(total)


def figures_of(totals: Mapping[str, float]) -> Figures:
    """Return the shares of the counts, and the worst of them over those before the upload."""
    figures: Figures = {}
    names = [pipeline.name for pipeline in (*sites.pipelines(), *OTHERS)]
    for group, prefix in (("every", ""), ("large", "large.")):
        figures[f"{prefix}photos"] = totals.get(f"{group}.all.photos", 0.0)
        for subject in ("m_all", "m_sen", "search", "scene"):
            for kind, (worst, number) in KINDS.items():
                if not (counted := totals.get(f"{group}.{subject}.{DELIVERED}.{kind}", 0.0)):
                    continue
                told = f"{prefix}{subject}"
                shares = {name: totals[f"{group}.{subject}.{name}.{kind}.fooled"] / counted for name in (DELIVERED, *names)}
                figures |= {f"{told}.{name}.{kind}": share for name, share in shares.items()}
                figures[f"{told}.{number}"] = counted
                if before := shares.pop(DELIVERED):
                    figures |= ratio_with_interval(f"{told}.{worst}", min(shares.values()), before, counted)
    return figures
