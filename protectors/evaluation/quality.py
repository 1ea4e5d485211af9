"""Measures the quality of delivered photos as a whole distribution, the share not protected, and that hashes for known abuse
still match.

Photos are processed as by the daemon: cloaked by the default policy at balanced, encoded as its JPEG, and decoded.

- ``photos``, ``not_protected``: their number, and the share that is not protected.
- ``psnr.min``, ``psnr.mean``, ``psnr.p5`` (the fifth percentile), and so for ``ssim`` and ``fsim``; ``delta_e.max``,
  ``.mean`` and ``.p95``, since more of it is worse; ``floor.passed`` is the share above the floor.
- ``pdq.within31``: the share whose PDQ hash (Facebook's, for matching known abuse) changes by at most 31 bits of 256.
- ``calibration.ece``: the expected calibration error of the reports' probabilities for unseen models, and so by protector;
  ``calibration.bin3.expected``, ``.fooled``, ``.readings``: the probabilities of 30 to 40 %.
- ``channel.distance``: the largest mean distance, in 8-bit levels, of a channel's differentiable model from Pillow's file.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from protectors.archive import Archive
from protectors.calibration import binned, expected_error
from protectors.channel.pipeline import Pipeline
from protectors.evaluation import unseen
from protectors.evaluation.delivery import delivered_by
from protectors.evaluation.extra import needed
from protectors.evaluation.measurement import SEED, Figures, Measurement
from protectors.evaluation.processes import each, processes, room_of
from protectors.judging.quality import Quality
from protectors.policy import BUDGETS, Policy
from protectors.quality import as_tensor
from protectors.saving import Pixels

PHOTOS = {"people.npz": 120, "photos.npz": 80}
UNSPLIT = "photos.npz"
"""An archive that no training here uses, so that all its photos are test photos (the ``full`` detector was trained on them)."""

QUICK_PHOTOS = {"people.npz": 2, "photos.npz": 1}
PAIRS = 10
"""Photos that the report shows at each strength: before, after, and the amplified difference."""

AMPLIFIED = 10

WITHIN = 31
"""Largest distance in bits of 256 at which PDQ takes two photos for the same (PDQ's documentation)."""

SEARCHED = 60
"""Number of photos that are cloaked against search alone."""

QUALITIES = (30, 40, 50, 60, 70, 75, 80, 85, 90, 95)


@dataclass(frozen=True)
class Delivered:
    """One delivered photo, its judgement, and the unseen models' readings."""

    pixels: Pixels
    quality: Quality
    protected: bool
    above: bool
    expected: Mapping[str, float]
    """The estimated probability by protector that an unseen model is fooled."""

    reads: Sequence[unseen.Read]


def deliver(device: str, policy: Policy, photo: Pixels) -> Delivered:
    """Cloak, deliver, judge and read one photo."""
    room = room_of(device)
    judge = room.judge(policy, photo)
    pixels = delivered_by(room, judge)
    judgement = judge.judgement(pixels)
    expected = {name: estimate.probability for name, estimate in judgement.unseen.items()}
    reads = unseen.read(device, policy.protectors, photo, pixels)
    return Delivered(pixels, judgement.quality, judgement.protected, judgement.above_floor, expected, reads)


def distribution(photos: Sequence[Delivered]) -> Figures:
    """Return the worst, the mean and the worst twentieth of each measure."""
    figures: Figures = {}
    for name in ("psnr", "ssim", "fsim"):
        values = np.array([getattr(photo.quality, name) for photo in photos])
        figures |= {f"{name}.min": float(values.min()), f"{name}.mean": float(values.mean())}
        figures[f"{name}.p5"] = float(np.percentile(values, 5))
    colours = np.array([photo.quality.delta_e for photo in photos])
    figures |= {"delta_e.max": float(colours.max()), "delta_e.mean": float(colours.mean())}
    figures["delta_e.p95"] = float(np.percentile(colours, 95))
    figures["floor.passed"] = float(np.mean([photo.above for photo in photos]))
    figures["not_protected"] = float(np.mean([not photo.protected for photo in photos]))
    return figures


def calibration(photos: Sequence[Delivered]) -> Figures:
    """Compare the estimates for unseen models with their readings: overall, by protector and by bin."""
    pairs = [
        (read.protector, photo.expected[read.protector], read.fooled)
        for photo in photos
        for read in photo.reads
        if read.protector in photo.expected
    ]
    if not pairs:
        return {}
    figures: Figures = {}
    for name in dict.fromkeys(protector for protector, *_ in pairs):
        mine = [(likely, fooled) for protector, likely, fooled in pairs if protector == name]
        figures[f"calibration.{name}.ece"] = expected_error([likely for likely, _ in mine], [fooled for _, fooled in mine])
        figures[f"calibration.{name}.expected"] = float(np.mean([likely for likely, _ in mine]))
        figures[f"calibration.{name}.fooled"] = float(np.mean([fooled for _, fooled in mine]))
    _, likely, fooled = zip(*pairs, strict=True)
    figures["calibration.ece"] = expected_error(likely, fooled)
    for group in binned(likely, fooled):
        key = f"calibration.bin{group.place}"
        figures |= {f"{key}.expected": group.expected, f"{key}.fooled": group.came, f"{key}.readings": group.count}
    return figures


def pdq_distance(first: Pixels, second: Pixels) -> int:
    """Return the number of bits that differ between the PDQ hashes of two photos."""
    pdqhash = needed("pdqhash")
    one, two = (pdqhash.compute(np.ascontiguousarray(photo))[0] for photo in (first, second))
    return int(np.count_nonzero(one != two))


def channel_distance(photos: Sequence[Pixels]) -> Figures:
    """Return the mean distance in levels of the channel models from real files by kind, each the largest over qualities."""
    kinds = {
        "jpeg420": [Pipeline("any", quality) for quality in QUALITIES],
        "jpeg444": [Pipeline("any", quality, subsampled=False) for quality in QUALITIES],
        "webp": [Pipeline("any", quality, "webp") for quality in QUALITIES],
        **{kernel: [Pipeline("any", 95, scale=0.6, kernel=kernel)] for kernel in ("box", "bilinear", "bicubic", "lanczos")},
    }
    distances = {
        f"channel.{kind}": max(float(np.mean([_levels_apart(pipeline, photo) for photo in photos])) for pipeline in pipelines)
        for kind, pipelines in kinds.items()
    }
    return distances | {"channel.distance": max(distances.values())}


def _levels_apart(pipeline: Pipeline, photo: Pixels) -> float:
    model, exact = pipeline.model(as_tensor(photo)), as_tensor(pipeline.exact(photo))
    return float((model - exact).abs().mean() * 255)


def amplified(first: Pixels, second: Pixels) -> Pixels:
    """Return the amplified difference of two photos around grey."""
    difference = (second.astype(np.int16) - first) * AMPLIFIED + 128
    return difference.clip(0, 255).astype(np.uint8)


def chosen(data: Path, counts: dict[str, int]) -> list[Pixels]:
    """Return random test photos of each archive."""
    photos: list[Pixels] = []
    for name, count in counts.items():
        archive = Archive(data / name)
        tests = np.arange(len(archive)) if name == UNSPLIT else np.where(archive["is_test"])[0]
        photos += [archive.image(index) for index in np.random.default_rng(SEED).permutation(tests)[:count].tolist()]
    return photos


def run(measurement: Measurement) -> None:
    """Measure all figures of ``quality.json``."""
    needed("pdqhash")
    photos = chosen(measurement.data, QUICK_PHOTOS if measurement.quick else PHOTOS)
    measurement.figures["photos"] = len(photos)
    measurement.part("channel", partial(channel_distance, photos[: 2 if measurement.quick else 10]))
    with processes(measurement.device) as pool:
        measurement.part("delivered", partial(delivered, measurement, pool, photos))
        if measurement.strips:
            measurement.part("strips", partial(strips, measurement, pool, photos[: 1 if measurement.quick else PAIRS]))


def delivered(measurement: Measurement, pool: Executor | None, photos: Sequence[Pixels]) -> Figures:
    """Measure every photo at balanced."""
    made = each(pool, partial(deliver, measurement.device, Policy()), photos, measurement)
    # The default policy leaves search out, so the estimates for searches are measured separately, on some of the photos.
    some = photos[: 1 if measurement.quick else SEARCHED]
    searched = each(pool, partial(deliver, measurement.device, Policy(("search",))), some, measurement)
    moved = [pdq_distance(photo, cloaked.pixels) for photo, cloaked in zip(photos, made, strict=True)]
    return (
        distribution(made)
        | calibration([*made, *searched])
        | {
            "pdq.within31": float(np.mean([distance <= WITHIN for distance in moved])),
            "pdq.max": max(moved),
        }
    )


def strips(measurement: Measurement, pool: Executor | None, photos: Sequence[Pixels]) -> Figures:
    """Keep strips of photos before, after, and their amplified difference, at each strength."""
    for strength in BUDGETS:
        made = each(pool, partial(deliver, measurement.device, Policy(strength=strength)), photos, measurement)
        for number, (photo, cloaked) in enumerate(zip(photos, made, strict=True), 1):
            measurement.strip(f"{strength}.{number}", [photo, cloaked.pixels, amplified(photo, cloaked.pixels)])
    return {}
