"""P-FGSM on scene test photos: how often the class read changes, at what quality, and what a judge that it never saw reads."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from protectors.adversaries.classifier import Classifier
from protectors.adversaries.loading import load_classifier
from protectors.archive import Archive
from protectors.channels import as_they_are, jpeg, through_jpeg
from protectors.cloak import BUDGETS
from protectors.evaluation.delivery import outcome_of
from protectors.manifest import entry
from protectors.quality import as_pixels, as_tensor, psnr, ssim
from protectors.scene import MARGIN, Aim, Rule, SceneProtector

PHOTOS = 500
QUICK_PHOTOS = 30
BATCH = 5  # the loop goes on until a batch's slowest photo is done
SEED = 0


@dataclass
class Tally:
    """One row of the table, photo by photo."""

    classes: int
    fooled: list[bool] = field(default_factory=list)
    fooled_jpeg: list[bool] = field(default_factory=list)
    right: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    decibels: list[float] = field(default_factory=list)
    likeness: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
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
            f"{prefix}.top1": float(np.mean(np.array(self.ranks) < 1)),
            f"{prefix}.top5": float(np.mean(np.array(self.ranks) < 5)),
            f"{prefix}.distance": distance_from_uniform(self.read, self.classes),
            **{f"{prefix}.{name}": float(np.mean(values)) for name, values in self.right.items()},
        }


def distance_from_uniform(read: list[int], classes: int) -> float:
    """Euclidean distance between how often each class is read and evenly often: 0 tells nothing of the true class."""
    shares = np.bincount(read, minlength=classes) / len(read)
    return float(np.linalg.norm(shares - 1 / classes))


def measure(
    protector: SceneProtector, judge: Classifier, photos: list[NDArray[np.uint8]], truth: NDArray[np.int64], tally: Tally
) -> None:
    """Cloak one batch of photos of the same size and enter it."""
    originals = torch.cat([as_tensor(photo) for photo in photos])
    outcome = outcome_of(protector, originals, BUDGETS["balanced"])
    delivered = [as_pixels(image[None]) for image in outcome.images]
    forms = torch.cat([as_tensor(pixels) for pixels in delivered])
    compressed = torch.cat([as_tensor(through_jpeg(pixels)) for pixels in delivered])
    tally.fooled += [verdict.protected for verdict in protector.judge(originals, forms)]
    tally.fooled_jpeg += [verdict.protected for verdict in protector.judge(originals, compressed)]
    for name, model, images in (
        ("white_before", protector.classifier, originals),
        ("white_after", protector.classifier, forms),
        ("judge_before", judge, originals),
        ("judge_after", judge, forms),
    ):
        tally.right[name] += (model.read(images).argmax(1).cpu().numpy() == truth).tolist()
    probabilities = protector.classifier.read(forms).cpu().numpy()
    tally.read += probabilities.argmax(1).tolist()
    tally.ranks += (probabilities > np.take_along_axis(probabilities, truth[:, None], 1)).sum(1).tolist()
    tally.decibels += [psnr(photo, pixels) for photo, pixels in zip(photos, delivered, strict=True)]
    tally.likeness += [ssim(photo, pixels) for photo, pixels in zip(photos, delivered, strict=True)]
    tally.steps += list(outcome.steps)


def run(quick: bool, data: Path, report: Callable[[str], None]) -> dict[str, float]:
    """All figures of ``scene.json``, on photos drawn without order from the test split of scenes6.npz.

    ``p_fgsm`` is the default rule with the margin that delivered photos get; ``p_fgsm.published`` the paper's own, and the
    others are the paper's baselines.
    """
    cpu = torch.device("cpu")
    adversary, judge = (load_classifier(entry(name), cpu) for name in ("scenes", "scenes_judge"))
    archive = Archive(data / "scenes6.npz")
    order = np.random.default_rng(SEED).permutation(np.where(archive["is_test"])[0])[: QUICK_PHOTOS if quick else PHOTOS]
    rows: list[tuple[str, Rule, float, Aim]] = [
        ("p_fgsm", "shaped", MARGIN, "unlikely"),
        ("p_fgsm.published", "published", 0.0, "unlikely"),
        ("n_fgsm", "published", 0.0, "away"),
        ("r_fgsm", "published", 0.0, "random"),
        ("l_fgsm", "published", 0.0, "least"),
    ]
    figures: dict[str, float] = {}
    for name, rule, margin, aim in rows:
        channel = jpeg if rule == "shaped" else as_they_are
        protector = SceneProtector(adversary, torch.Generator().manual_seed(SEED), margin, rule, aim, channel)
        tally = Tally(len(adversary.classes))
        for chosen in np.array_split(order, -(-len(order) // BATCH)):
            measure(protector, judge, archive.images(chosen.tolist()), archive["labels"][chosen].astype(np.int64), tally)
            report(f"{name}: {len(tally.fooled)}/{len(order)} photos")
        figures |= tally.figures(name)
    return figures
