"""Measures what more steps bring: what networks still read in a cloaked photo, over the seconds that it took."""

import statistics
import time
from collections import defaultdict
from dataclasses import replace

from daemon.figures import say
from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.cloak import Cloakroom
from protectors.evaluation.delivery import DELIVERED, delivered_pixels
from protectors.evaluation.real import PROTECTORS
from protectors.evaluation.real_reading import Sums, best_classes, count_classes, count_objects, found_by
from protectors.evaluation.tuning_photos import not_tuned_on
from protectors.policy import REFINEMENTS, Policy
from protectors.progress import end_of
from protectors.refinement.loop import NETWORKS_A_STEP
from protectors.saving import Pixels
from tests.pretrained import FOLDER

SEED = 0
PHOTOS = 10
CALLS = (0, 4, 8, 16, 28, 40)
"""Numbers of gradient calls; 0 is the generator's drawing alone."""


def measure() -> dict[str, float]:
    """Return ``curve.CALLS.seconds``, the median of a photo's, and what is left in the delivered file, over all networks:
    ``.objects_left``, ``.judge_objects_left``, and ``.top1``, the share of photos whose class is still read first.

    ``curve.default`` is the same with the further rounds that a photo takes where it needs them.
    """
    room = Cloakroom("cpu", FOLDER)
    archive = Archive(DEFAULT_FOLDER / "photos.npz")
    photos = archive.images(not_tuned_on(archive)[:PHOTOS])
    end_of(room.cloak(room.judge(Policy(PROTECTORS), photos[0]), SEED))
    plain = REFINEMENTS["balanced"]
    budgets = {str(calls): replace(plain, steps=calls // NETWORKS_A_STEP, rounds=0, steps_a_network=0) for calls in CALLS} | {
        "default": plain
    }
    figures: dict[str, float] = {}
    for name, budget in budgets.items():
        seconds, sums = [], defaultdict[str, float](float)
        for photo in photos:
            seconds.append(_cloaked(room.within(budget), photo, sums))
        told = {"seconds": statistics.median(seconds), **_shares(room, sums)}
        figures |= {f"curve.{name}.{what}": value for what, value in told.items()}
        say(f"{name} gradient calls: {', '.join(f'{what} {value:.2f}' for what, value in told.items())}")
    return figures


def _cloaked(room: Cloakroom, photo: Pixels, sums: Sums) -> float:
    """Cloak one photo, add what networks read in it to the sums, and return the seconds that it took, judgement included."""
    begun = time.monotonic()
    judge = room.judge(Policy(PROTECTORS), photo)
    made = end_of(room.cloak(judge, SEED))
    delivered = delivered_pixels(made)
    judge.judgement(delivered)
    seconds = time.monotonic() - begun
    later = found_by(room.adversaries, delivered)
    for name, found in found_by(room.adversaries, photo).items():
        count_objects(sums, f"{name}.{DELIVERED}", found, later[name])
    count_classes(sums, DELIVERED, best_classes(room.adversaries, photo), best_classes(room.adversaries, delivered))
    return seconds


def _shares(room: Cloakroom, sums: Sums) -> dict[str, float]:
    judges = room.adversaries.judges_only
    groups = {
        "objects_left": [detector.name for detector in room.adversaries.detectors if detector.name not in judges],
        "judge_objects_left": sorted(judges),
    }
    shares = {what: _share(sums, names, "objects_left", "objects") for what, names in groups.items()}
    return shares | {"top1": _share(sums, [one.name for one in room.adversaries.classifiers], "top1", "photos")}


def _share(sums: Sums, names: list[str], what: str, of: str) -> float:
    counted, total = (sum(sums[f"{name}.{DELIVERED}.{key}"] for name in names) for key in (what, of))
    return counted / total
