"""Measures what real networks, trained by others on COCO and ImageNet, read in cloaked photos, also after every known site.

The photos are COCO's of photos.npz and test photos of people.npz, cloaked as by the product. Conditions:

- ``seen``: optimised on every network but the judges, at balanced; ``strong`` is the same at strong;
- ``instant``: the first of these photos at instant, which takes no steps: the generator's cloak fitted to the floor;
- ``judge``: the networks of ``seen`` that no cloak is ever optimised on;
- ``left_out``: cloaks that are made without one network, read by that network;
- ``embedded_too``: cloaks whose steps are against the embedded networks as well, at equally many gradient calls as
- ``without_embedded``, which are against the pretrained ones alone;
- ``chosen``: the photos with people, where people alone are to be read as something else (M_sen);
- ``before``: the product with its embedded demonstration models, as it was without pretrained ones.

Figures, by network and form of the photo (``delivered``, ``jpeg75``, each site's name, and ``worst``, the worst of the sites):

- ``seen.NETWORK.FORM.objects_left``: the share of the originals' objects that is still found in the same place as the same
  class; ``.people_left`` for people only; ``.nothing_left``: the share of photos in which nothing is found; ``.drop``: the mean
  fall of the objects' scores;
- ``seen.NETWORK.FORM.counted.objects_left`` and so on: the number of objects, people or photos that these shares are of;
- ``seen.NETWORK.FORM.top1``, ``.top5``: for classifiers, the share of photos whose class is still read first, or among five;
- ``seen.search.NETWORK.recall1``, ``.recall10``: how often a search by the cloaked photo finds the original among 2,000
  others; ``.same1`` and ``.same10``: how often it finds an uncloaked, mirrored crop of the original; ``.told_lost``: how often
  people are told that it does not find the original first, which should be true about as often;
- ``seen.psnr.min``, ``.mean``, and so on: the quality of the delivered photos;
- ``scene.top1``, ``search.recall1``, ``scene.left_out.top1`` and so on: the means over the networks;
- ``lasts.objects``, ``lasts.chosen``, ``lasts.scene``: success after the worst site over success as delivered, for the
  network with the least, with a 95 % interval (``.low``, ``.high``) as if both were of different photos, so wider than needed.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from protectors.archive import Archive
from protectors.cloak import Cloakroom
from protectors.evaluation.appearance import appearance
from protectors.evaluation.delivery import delivered_pixels
from protectors.evaluation.embedded_help import EmbeddedToo
from protectors.evaluation.gallery import embedded, gallery_photos, rank
from protectors.evaluation.measurement import SEED, Figures, Measurement
from protectors.evaluation.processes import each, processes
from protectors.evaluation.real_reading import Sums, sums_of
from protectors.evaluation.real_tables import figures_of, summary_of
from protectors.evaluation.tuning_photos import not_tuned_on, with_people
from protectors.manifest import DamagedWeightsError
from protectors.policy import REFINEMENTS, Policy
from protectors.progress import end_of
from protectors.quality import as_tensor, measured
from protectors.saving import Pixels

PROTECTORS = ("objects", "search", "scene")

BLOCK = 8
"""Number of photos whose sums are kept together; a stopped run resumes after the last block."""

PHOTOS, SOME, PART, FEW = (116, 60), (24, 24), (8, 4), (6, 2)
"""Numbers of COCO's photos and of those with people: for ``seen``, for ``instant``, for the other conditions, and for
``before``, whose cloaks take a minute each. 116 are all of COCO's that nothing was tuned on. All takes an hour on two cores."""

CROP = 0.8
"""Share of each side in a crop that serves as another photo of the same subject."""


@dataclass(frozen=True)
class Condition:
    """The way in which photos are cloaked, and the numbers of COCO's photos and of those with people."""

    name: str
    photos: int
    people: int
    left_out: str | None = None
    networks: Literal["pretrained", "both", "embedded"] = "pretrained"
    has_plain_steps: bool = False
    """Whether it takes as many steps however many networks there are."""
    policy: Policy = field(default_factory=lambda: Policy(PROTECTORS))


def conditions(networks: Sequence[str], quick: bool) -> Iterator[Condition]:
    """Yield all conditions; ``networks`` are those that cloaks are optimised on."""
    whole, some, part, few = ((1, 1), (1, 1), (1, 0), (1, 0)) if quick else (PHOTOS, SOME, PART, FEW)
    yield Condition("seen", *whole)
    yield Condition("instant", *some, policy=Policy(PROTECTORS, "instant"))
    yield Condition("strong", *part, policy=Policy(PROTECTORS, "strong"))
    yield Condition("chosen", 0, sum(part), policy=Policy(("objects",), sensitive=("person",)))
    yield Condition("embedded_too", *part, networks="both", has_plain_steps=True)
    yield Condition("without_embedded", *part, has_plain_steps=True)
    for network in networks:
        yield Condition(f"left_out.{network}", *part, left_out=network)
    yield Condition("before", *few, networks="embedded")


@dataclass(frozen=True)
class Task:
    """One condition, and the folders of the models and of the gallery's embeddings."""

    condition: Condition
    models: Path
    gallery: Path


@cache
def _readers(models: Path) -> Cloakroom:
    return Cloakroom("cpu", models)


@cache
def _cloaker(task: Task) -> Cloakroom:
    if task.condition.networks == "embedded":
        return Cloakroom("cpu", None)
    made = EmbeddedToo("cpu", task.models) if task.condition.networks == "both" else Cloakroom("cpu", task.models)
    if task.condition.has_plain_steps:
        made = made.within(replace(REFINEMENTS[task.condition.policy.strength], steps_a_network=0))
    if left_out := task.condition.left_out:
        made.adversaries = replace(made.adversaries, judges_only=made.adversaries.judges_only | {left_out})
    return made


@cache
def _gallery(folder: Path) -> dict[str, Tensor]:
    return {path.stem: torch.from_numpy(np.load(path)) for path in sorted(folder.glob("*.npy"))}


def measure(task: Task, photo: Pixels) -> tuple[Sums, dict[str, float], Pixels]:
    """Cloak one photo, and return the counts of what is read in it, its quality, and the delivered pixels."""
    room, readers = _cloaker(task), _readers(task.models)
    judge = room.judge(task.condition.policy, photo)
    made = end_of(room.cloak(judge, SEED))
    delivered = delivered_pixels(made)
    sums = sums_of(readers.adversaries, photo, delivered)
    for search in readers.adversaries.searches:
        original, query, crop = (search.network.embed(as_tensor(form))[0] for form in (photo, delivered, _mirrored_crop(photo)))
        others = _gallery(task.gallery)[search.name]
        for name, target in (("recall", original), ("same", crop)):
            place = rank(query, target, others)
            sums[f"search.{search.name}.{name}1"] += place < 1
            sums[f"search.{search.name}.{name}10"] += place < 10
        sums[f"search.{search.name}.told_lost"] += float(original @ query) < search.similarity
        sums[f"search.{search.name}.photos"] += 1
    quality, looks = measured(photo, delivered), appearance(photo, delivered)
    shown = {"psnr": min(100.0, quality.psnr), "ssim": quality.ssim, "fsim": quality.fsim, **vars(looks)}
    return sums, shown, delivered


def _mirrored_crop(photo: Pixels) -> Pixels:
    height, width = (round(side * (1 - CROP) / 2) for side in photo.shape[:2])
    return np.ascontiguousarray(photo[height : photo.shape[0] - height, width : photo.shape[1] - width][:, ::-1])


def photos_of(condition: Condition, data: Path) -> list[Pixels]:
    """Return the photos of a condition: the first of COCO's that nothing was tuned on, and test photos with people."""
    coco, people = Archive(data / "photos.npz"), Archive(data / "people.npz")
    first = not_tuned_on(coco)[: condition.photos]
    persons = with_people(people, people["is_test"], SEED)[: condition.people]
    return [*coco.images(first), *people.images(persons)]


def run(measurement: Measurement) -> None:
    """Measure all figures of ``real.json``.

    Raises:
        DamagedWeightsError: the pretrained networks have not been pulled.
    """
    if measurement.models is None or (room := _readers(measurement.models)).model_set != "pretrained":
        raise DamagedWeightsError("the pretrained networks are not here: run `cloakroom models pull --set pretrained`")
    optimised, folder = room.adversaries.optimised, measurement.scratch("gallery")
    networks = [detector.name for detector in optimised.detectors]
    networks += [classifier.name for classifier in optimised.classifiers]
    with processes(measurement.device) as pool:
        _make_gallery(measurement, room, folder)
        for condition in conditions(networks, measurement.quick):
            task = Task(condition, measurement.models, folder)
            measurement.figures |= _measured(measurement, pool, task, room)
    measurement.figures |= summary_of(measurement.figures)


def _make_gallery(measurement: Measurement, room: Cloakroom, folder: Path) -> None:
    """Save the embeddings of the gallery's photos for all processes."""
    photos = gallery_photos(measurement.data, 20 if measurement.quick else 2000)
    for search in room.adversaries.searches:
        path = folder / f"{search.name}.npy"
        if not path.is_file() or len(np.load(path)) != len(photos):
            np.save(path, embedded(search, photos, measurement.progress).numpy())


def _measured(measurement: Measurement, pool: Executor | None, task: Task, room: Cloakroom) -> Figures:
    """Measure one condition block by block, and return its figures."""
    condition = task.condition
    photos = photos_of(condition, measurement.data)
    sums: Sums = {}
    looks: list[dict[str, float]] = []
    for start in range(0, len(photos), BLOCK):
        block = photos[start : start + BLOCK]
        name = f"{condition.name}.{start}"
        kept = measurement.part(name, partial(_block, measurement, pool, task, block, start == 0))
        _add(sums, {key: value for key, value in kept.items() if not key.startswith("looks.")})
        looks += [
            {key.partition("looks.")[2].partition(".")[2]: value for key, value in kept.items() if f"looks.{number}." in key}
            for number in range(len(block))
        ]
        # Sums are intermediate, and not figures of the result.
        for key in kept:
            measurement.figures.pop(key, None)
    return figures_of(condition.name, condition.left_out, sums, looks, room.adversaries.judges_only)


def _add(total: Sums, more: Sums) -> None:
    for key, value in more.items():
        total[key] = total.get(key, 0.0) + value


def _block(measurement: Measurement, pool: Executor | None, task: Task, photos: Sequence[Pixels], shows: bool) -> Figures:
    total: Sums = {}
    looks: Figures = {}
    for number, (sums, shown, delivered) in enumerate(each(pool, partial(measure, task), photos, measurement)):
        _add(total, sums)
        looks |= {f"looks.{number}.{key}": value for key, value in shown.items()}
        if shows and number < 3:
            measurement.strip(f"{task.condition.name}.{number + 1}", [photos[number], delivered])
    return {**total, **looks}
