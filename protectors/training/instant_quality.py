"""Measures a generator of instant cloaks on test photos: what the networks that it was trained against still read."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from protectors.adversaries.loaded import load_adversaries
from protectors.archive import Archive
from protectors.channel.exact import saved_as_jpeg
from protectors.evaluation.real_reading import DELIVERED, best_classes, count_classes, count_objects, found_by
from protectors.floor import share_on_floor
from protectors.judging.quality import Quality
from protectors.policy import FLOORS
from protectors.quality import as_pixels, as_tensor, measured
from protectors.refinement.field import PerturbationField
from protectors.refinement.generator import CloakGenerator, readable
from protectors.refinement.loop import FIRST_SIZE
from protectors.saving import Pixels

PHOTOS = 24
SEED = 0


@torch.no_grad()
def quality_of(generator: CloakGenerator, models: Path, data: Path) -> dict[str, float]:
    """Return, by network, the share of objects or classes that are still read in test photos of people.npz.

    Photos are cloaked in one pass, at the floor of ``instant``, and saved as JPEG.

    Args:
        generator: what draws the cloaks.
        models: the folder of the pretrained networks.
        data: the folder of the archives.
    """
    adversaries = load_adversaries(torch.device("cpu"), models).optimised
    archive = Archive(data / "people.npz")
    chosen = np.random.default_rng(SEED).permutation(np.where(archive["is_test"])[0])[:PHOTOS].tolist()
    sums: dict[str, float] = {}
    for photo in archive.images(chosen):
        original = as_tensor(photo)
        field = PerturbationField(original)
        perturbation = field.perturbation(field.sized(field.resampled(generator(readable(original))), FIRST_SIZE))
        delivered = _on_floor(photo, original, perturbation)
        before, after = found_by(adversaries, photo), found_by(adversaries, delivered)
        for name, objects in before.items():
            count_objects(sums, f"{name}.{DELIVERED}", objects, after[name])
        count_classes(sums, DELIVERED, best_classes(adversaries, photo), best_classes(adversaries, delivered))
    left = {own.name: f"{own.name}.{DELIVERED}.objects" for own in adversaries.detectors}
    kept = {own.name: f"{own.name}.{DELIVERED}" for own in adversaries.classifiers}
    return {f"{name}.objects_left": sums[f"{key}_left"] / sums[key] for name, key in left.items()} | {
        f"{name}.top1": sums[f"{key}.top1"] / sums[f"{key}.photos"] for name, key in kept.items()
    }


def _on_floor(photo: Pixels, original: Tensor, perturbation: Tensor) -> Pixels:
    """Return the photo as delivered, with as much of a perturbation as the floor allows; unchanged where it allows none."""

    def saved(share: float) -> Pixels:
        return saved_as_jpeg(as_pixels((original + share * perturbation).clamp(0, 1))).pixels

    def measure(share: float) -> Quality:
        return measured(photo, saved(share))

    return saved(share_on_floor(measure, FLOORS["instant"], measured(photo, saved(0.0))) or 0.0)
