"""Measures P-FGSM and its baselines on scene test photos: readings, quality, and the readings of a judge not optimised on."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from protectors.adversaries.classifier import Classifier
from protectors.adversaries.loading import load_classifier
from protectors.archive import Archive
from protectors.base import Budget
from protectors.channel.channel_set import AS_IT_IS, OWN_FILE
from protectors.channel.exact import through_jpeg
from protectors.evaluation.brisque import brisque
from protectors.evaluation.measurement import SEED, Figures, Measurement
from protectors.evaluation.running import cloaked_batch
from protectors.judging.question import about_scene
from protectors.manifest import entry, resolve
from protectors.quality import as_pixels, as_tensor, psnr, ssim
from protectors.saving import Pixels
from protectors.scene import MARGIN, Aim, Rule, SceneProtector

PHOTOS = 500
QUICK_PHOTOS = 20
BATCH = 5  # small, since the loop runs until a batch's slowest photo is done
STRIPS = 3 * BATCH
"""Number of photos in the batches whose first photo the report shows."""


@dataclass
class Tally:
    """The measurements of one row of the table, photo by photo."""

    classes: tuple[str, ...]
    """The adversary's classes."""

    truths: list[str]
    """The archive's classes."""

    fooled: list[bool] = field(default_factory=list)
    fooled_jpeg: list[bool] = field(default_factory=list)
    right: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    decibels: list[float] = field(default_factory=list)
    likeness: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    brisque: list[float] = field(default_factory=list)
    brisque_before: list[float] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)

    def figures(self, prefix: str) -> dict[str, float]:
        return {
            f"{prefix}.images": len(self.fooled),
            f"{prefix}.fooled": float(np.mean(self.fooled)),
            f"{prefix}.jpeg.fooled": float(np.mean(self.fooled_jpeg)),
            f"{prefix}.psnr": float(np.mean(self.decibels)),
            f"{prefix}.psnr_deviation": float(np.std(self.decibels)),
            f"{prefix}.ssim": float(np.mean(self.likeness)),
            f"{prefix}.steps": float(np.mean(self.steps)),
            f"{prefix}.brisque": float(np.mean(self.brisque)),
            f"{prefix}.brisque_before": float(np.mean(self.brisque_before)),
            f"{prefix}.brisque_deviation": float(np.std(self.brisque)),
            f"{prefix}.distance": distance_from_uniform(self.read, len(self.classes)),
            # A classifier with other classes has no rank for the true one.
            **({f"{prefix}.top{rank}": float(np.mean(np.array(self.ranks) < rank)) for rank in (1, 5)} if self.ranks else {}),
            **{f"{prefix}.{name}": float(np.mean(values)) for name, values in self.right.items()},
        }


def distance_from_uniform(read: list[int], classes: int) -> float:
    """Return the Euclidean distance of the classes' frequencies from uniform; at 0 the reading reveals no true class."""
    shares = np.bincount(read, minlength=classes) / len(read)
    return float(np.linalg.norm(shares - 1 / classes))


def measure(
    protector: SceneProtector, judge: Classifier, photos: list[Pixels], truth: NDArray[np.int64], tally: Tally
) -> list[Pixels]:
    """Cloak a batch of photos of one size, add it to the tally, and return the delivered pixels."""
    device = protector.classifier.device
    originals = torch.cat([as_tensor(photo) for photo in photos]).to(device)
    cloaked = cloaked_batch(protector, originals, BUDGET)
    delivered = [as_pixels(image[None]) for image in cloaked.images]
    forms = torch.cat([as_tensor(pixels) for pixels in delivered]).to(device)
    compressed = torch.cat([as_tensor(through_jpeg(pixels)) for pixels in delivered]).to(device)
    question = about_scene(protector.classifier)
    tally.fooled += [verdict.protected for verdict in question.verdicts(originals, forms)]
    tally.fooled_jpeg += [verdict.protected for verdict in question.verdicts(originals, compressed)]
    readers = [("judge_before", judge, originals), ("judge_after", judge, forms)]
    probabilities = protector.classifier.read(forms).cpu().numpy()
    if list(tally.classes) == tally.truths:
        readers += [("white_before", protector.classifier, originals), ("white_after", protector.classifier, forms)]
        tally.ranks += (probabilities > np.take_along_axis(probabilities, truth[:, None], 1)).sum(1).tolist()
    for name, model, images in readers:
        tally.right[name] += (model.read(images).argmax(1).cpu().numpy() == truth).tolist()
    tally.read += probabilities.argmax(1).tolist()
    tally.brisque_before += [brisque(pixels) for pixels in photos]
    tally.brisque += [brisque(pixels) for pixels in delivered]
    tally.decibels += [psnr(photo, pixels) for photo, pixels in zip(photos, delivered, strict=True)]
    tally.likeness += [ssim(photo, pixels) for photo, pixels in zip(photos, delivered, strict=True)]
    tally.steps += list(cloaked.steps)
    return delivered


BUDGET = Budget(radius=8 / 255, steps=30)
"""The method's budget without a bound on visibility, as in the paper. ``quality`` measures delivered photos."""

ROWS: dict[str, tuple[Rule, float, Aim]] = {
    "p_fgsm": ("shaped", MARGIN, "unlikely"),
    "p_fgsm.published": ("published", 0.0, "unlikely"),
    "n_fgsm": ("published", 0.0, "away"),
    "r_fgsm": ("published", 0.0, "random"),
    "l_fgsm": ("published", 0.0, "least"),
}
"""The rule, margin and aim of each row. ``p_fgsm`` is the default rule with the margin of delivered photos,
``p_fgsm.published`` is the paper's, and the others are the paper's baselines."""


def run(measurement: Measurement) -> None:
    """Measure all figures of ``scene.json``, on random test photos of scenes6.npz."""
    device = torch.device(measurement.device)
    model = resolve(measurement.adversary, "scene") if measurement.adversary else entry("scenes")
    adversary = load_classifier(model, device, measurement.models)
    judge = load_classifier(entry("scenes_judge"), device)
    archive = Archive(measurement.data / "scenes6.npz")
    count = QUICK_PHOTOS if measurement.quick else PHOTOS
    order = np.random.default_rng(SEED).permutation(np.where(archive["is_test"])[0])[:count]

    def row(name: str) -> Figures:
        rule, margin, aim = ROWS[name]
        channels = OWN_FILE if rule == "shaped" else AS_IT_IS
        protector = SceneProtector(adversary, torch.Generator().manual_seed(SEED), margin, rule, aim, channels)
        tally = Tally(adversary.classes, archive.classes)
        for chosen in np.array_split(order, -(-len(order) // BATCH)):
            photos, truth = archive.images(chosen.tolist()), archive["labels"][chosen].astype(np.int64)
            delivered = measure(protector, judge, photos, truth, tally)
            if len(tally.fooled) <= STRIPS:
                measurement.strip(f"{name}.{len(tally.fooled)}", [photos[0], delivered[0]])
            measurement.progress(len(tally.fooled), len(order))
        return tally.figures(name)

    for name in ROWS:
        measurement.part(name, partial(row, name))
