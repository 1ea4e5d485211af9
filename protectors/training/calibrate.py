"""Fits the regressions of ``protectors.calibration``, and stores them beside the weights.

    python -m protectors.training.calibrate --photos 90

It cloaks test photos of ``people.npz`` that ``evaluate quality`` does not use, at every strength, as the daemon does, and reads
them with models that no cloak is optimised on. Photos are cloaked once against objects and scenes, and once against search.
"""

import argparse
import json
from collections import defaultdict
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.calibration import FILE, Logistic, features_of
from protectors.evaluation import quality, unseen
from protectors.evaluation.delivery import delivered_by
from protectors.evaluation.measurement import SEED
from protectors.evaluation.processes import processes, room_of
from protectors.judging.judgement import Judgement
from protectors.names import DEFAULT, Strength
from protectors.policy import BUDGETS, Policy
from protectors.saving import Pixels

POLICIES = (DEFAULT, ("search",))


@dataclass(frozen=True)
class Sample:
    """One photo cloaked by one policy: its judgement, and the unseen models' readings."""

    judgement: Judgement
    reads: list[unseen.Read]


def sample(device: str, task: tuple[Strength, tuple[str, ...], Pixels]) -> Sample:
    """Deliver one photo and read it with the unseen models."""
    strength, protectors, photo = task
    room = room_of(device)
    judge = room.judge(Policy(protectors, strength), photo)
    pixels = delivered_by(room, judge)
    return Sample(judge.judgement(pixels), unseen.read(device, protectors, photo, pixels))


def photos(data: Path, count: int) -> list[Pixels]:
    """Return the test photos that follow those of ``evaluate quality`` in its order."""
    archive = Archive(data / "people.npz")
    tests = np.random.default_rng(SEED).permutation(np.where(archive["is_test"])[0])
    left = tests[quality.PHOTOS["people.npz"] :]
    if count > len(left):
        raise ValueError(f"only {len(left)} photos are left that no figure is measured on")
    return [archive.image(index) for index in left[:count].tolist()]


def fitted(samples: list[Sample]) -> dict[str, dict[str, Any]]:
    """Return the weights by protector, with their covariance and origin."""
    rows: dict[str, list[tuple[list[float], bool, int]]] = defaultdict(list)
    models: dict[str, set[str]] = defaultdict(set)
    for number, sample in enumerate(samples):
        for read in sample.reads:
            features = features_of(sample.judgement.quality, sample.judgement.verdicts, read.protector)
            rows[read.protector].append((features.tolist(), read.fooled, number))
            models[read.protector].add(read.model)
    made = {}
    for name, several in rows.items():
        measures, fooled, groups = zip(*several, strict=True)
        fit = Logistic.fitted(np.array(measures), np.array(fooled, dtype=np.float64), groups)
        made[name] = {
            "weights": np.round(fit.weights, 5).tolist(),
            "covariance": np.round(fit.covariance, 6).tolist(),
            "photos": len(set(groups)),
            "models": sorted(models[name]),
            "fooled": round(float(np.mean(fooled)), 4),
        }
    return made


def collected(pool: Executor | None, device: str, chosen: list[Pixels]) -> list[Sample]:
    """Deliver every photo at one of the strengths, which take turns."""
    strengths = tuple(BUDGETS)
    tasks = [
        (strengths[number % len(strengths)], protectors, photo)
        for protectors in POLICIES
        for number, photo in enumerate(chosen)
    ]
    samples = []
    for made in pool.map(partial(sample, device), tasks) if pool else map(partial(sample, device), tasks):
        samples.append(made)
        print(f"{len(samples)}/{len(tasks)}", flush=True)
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--output", type=Path, default=FILE)
    parser.add_argument("--photos", type=int, default=90)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    with processes(arguments.device) as pool:
        samples = collected(pool, arguments.device, photos(arguments.data, arguments.photos))
    found = fitted(samples)
    arguments.output.write_text(json.dumps({"seed": SEED, "protectors": found}, indent=1) + "\n", encoding="utf-8")
    for name, fit in found.items():
        print(f"{name}: {fit['photos']} photos, {fit['fooled']:.1%} fooled, by {', '.join(fit['models'])}")


if __name__ == "__main__":
    main()
