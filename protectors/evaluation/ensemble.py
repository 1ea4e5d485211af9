"""Compares one cloak against detectors, encoders and classifiers together with cloaks against each alone, at equal budgets.

- ``objects.alone``, ``objects.together``: the share of photos protected from detectors, by a cloak made against them alone and
  by one made against all three kinds; ``.kept`` is together over alone. Likewise ``search`` and ``scene``.
- ``alone.NAME.psnr``, ``together.psnr``: the cost in quality.
"""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np

from protectors.evaluation.delivery import delivered_by
from protectors.evaluation.measurement import Figures, Measurement
from protectors.evaluation.processes import each, processes, room_of
from protectors.evaluation.quality import chosen
from protectors.policy import Policy
from protectors.saving import Pixels

KINDS = ("objects", "search", "scene")
PHOTOS = 40
QUICK_PHOTOS = 2


@dataclass(frozen=True)
class Reading:
    """One photo cloaked by one policy: whether it is protected from each kind of adversary that read something in the original,
    and its PSNR in dB."""

    protected: dict[str, bool]
    decibels: float


def read(device: str, protectors: tuple[str, ...], photo: Pixels) -> Reading:
    """Cloak one photo and judge the delivered pixels."""
    room = room_of(device)
    judge = room.judge(Policy(protectors), photo)
    judgement = judge.judgement(delivered_by(room, judge))
    verdicts = judgement.verdicts
    protected = {
        kind: all(verdict.protected for verdict in verdicts if verdict.protector == kind)
        for kind in protectors
        if any(verdict.before for verdict in verdicts if verdict.protector == kind)
    }
    return Reading(protected, min(100.0, judgement.quality.psnr))


def run(measurement: Measurement) -> None:
    """Measure all figures of ``ensemble.json``."""
    photos = chosen(measurement.data, {"people.npz": QUICK_PHOTOS if measurement.quick else PHOTOS})
    measurement.figures["photos"] = len(photos)
    with processes(measurement.device) as pool:
        for kind in KINDS:
            measurement.part(f"{kind} alone", partial(alone, measurement, pool, photos, kind))
        measurement.part("together", partial(together, measurement, pool, photos))
    for kind in KINDS:
        before = measurement.figures[f"{kind}.alone"]
        measurement.figures[f"{kind}.kept"] = measurement.figures[f"{kind}.together"] / before if before else 0.0


def share(readings: list[Reading], kind: str) -> float:
    """Return the share protected from one kind of adversary, among the photos in which it read something."""
    return float(np.mean([reading.protected[kind] for reading in readings if kind in reading.protected]))


def alone(measurement: Measurement, pool: Executor | None, photos: list[Pixels], kind: str) -> Figures:
    readings = each(pool, partial(read, measurement.device, (kind,)), photos, measurement)
    decibels = float(np.mean([reading.decibels for reading in readings]))
    return {f"{kind}.alone": share(readings, kind), f"alone.{kind}.psnr": decibels}


def together(measurement: Measurement, pool: Executor | None, photos: list[Pixels]) -> Figures:
    readings = each(pool, partial(read, measurement.device, KINDS), photos, measurement)
    shares = {f"{kind}.together": share(readings, kind) for kind in KINDS}
    return shares | {"together.psnr": float(np.mean([reading.decibels for reading in readings]))}
