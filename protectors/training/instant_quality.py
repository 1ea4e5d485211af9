"""Measures how much the networks that a generator of instant cloaks was trained against still read in test photos."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from protectors.adversaries.loaded import load_adversaries
from protectors.archive import Archive
from protectors.channel.exact import saved_as_jpeg
from protectors.evaluation.delivery import DELIVERED, delivered_pixels
from protectors.evaluation.real_reading import Sums, best_classes, count_classes, count_objects, found_by
from protectors.judging.judge import Judge
from protectors.policy import FLOORS, REFINEMENTS, Policy
from protectors.progress import end_of
from protectors.quality import as_tensor
from protectors.refinement.fitting import FloorFitting
from protectors.refinement.generator import CloakGenerator, readable
from protectors.refinement.loop import Refinement

PHOTOS = 24
SEED = 0
POLICY = Policy(strength="instant")
RADIUS = REFINEMENTS["instant"].radius


@torch.no_grad()
def quality_of(generator: CloakGenerator, models: Path, data: Path) -> dict[str, float]:
    """Return the share of objects or classes that each network still reads in test photos of people.npz.

    Photos are cloaked in one pass, fitted to the floor of ``instant``, and saved as JPEG.

    Args:
        generator: draws the cloaks.
        models: the folder of the pretrained networks.
        data: the folder of the archives.
    """
    adversaries = load_adversaries(torch.device("cpu"), models).optimised
    archive = Archive(data / "people.npz")
    chosen = np.random.default_rng(SEED).permutation(np.where(archive["is_test"])[0])[:PHOTOS].tolist()
    sums: Sums = defaultdict(float)
    for photo in archive.images(chosen):
        original = as_tensor(photo)
        drawn = Refinement(original, (), FLOORS[POLICY.strength], torch.Generator(), generator(readable(original)))
        fitting = FloorFitting(Judge(POLICY, photo, ()), (saved_as_jpeg,), RADIUS)
        made = end_of(fitting.run(drawn.perturbation))
        delivered = delivered_pixels(made)
        before, after = found_by(adversaries, photo), found_by(adversaries, delivered)
        for name, objects in before.items():
            count_objects(sums, f"{name}.{DELIVERED}", objects, after[name])
        count_classes(sums, DELIVERED, best_classes(adversaries, photo), best_classes(adversaries, delivered))
    left = {detector.name: f"{detector.name}.{DELIVERED}.objects" for detector in adversaries.detectors}
    kept = {classifier.name: f"{classifier.name}.{DELIVERED}" for classifier in adversaries.classifiers}
    return {f"{name}.objects_left": sums[f"{key}_left"] / sums[key] for name, key in left.items()} | {
        f"{name}.top1": sums[f"{key}.top1"] / sums[f"{key}.photos"] for name, key in kept.items()
    }
