"""P-FGSM on scene test photos: how often the class read changes, at what quality, and what a judge that it never saw reads."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from protectors.adversaries.loading import load_classifier
from protectors.archive import Archive
from protectors.base import Budget
from protectors.evaluation.delivery import through_jpeg
from protectors.manifest import entry
from protectors.quality import as_pixels, as_tensor, psnr, ssim
from protectors.scene import SceneProtector

PHOTOS = 500
QUICK_PHOTOS = 30
BATCH = 25
STEPS = 40
SEED = 0


def run(quick: bool, data: Path, report: Callable[[str], None]) -> dict[str, float]:
    """All figures of ``scene.json``, on photos drawn without order from the test split of scenes6.npz."""
    cpu = torch.device("cpu")
    adversary, judge = (load_classifier(entry(name), cpu) for name in ("scenes", "scenes_judge"))
    archive = Archive(data / "scenes6.npz")
    order = np.random.default_rng(SEED).permutation(np.where(archive["is_test"])[0])[: QUICK_PHOTOS if quick else PHOTOS]
    protector = SceneProtector(adversary, torch.Generator().manual_seed(SEED))
    fooled: list[bool] = []
    fooled_jpeg: list[bool] = []
    right: dict[str, list[bool]] = {name: [] for name in ("white_before", "white_after", "judge_before", "judge_after")}
    decibels: list[float] = []
    likeness: list[float] = []
    steps: list[int] = []
    for chosen in np.array_split(order, -(-len(order) // BATCH)):
        photos = archive.images(chosen.tolist())
        truth = archive["labels"][chosen]
        originals = torch.cat([as_tensor(photo) for photo in photos])
        progress = protector.protect(originals, Budget(8 / 255, STEPS))
        while True:
            try:
                next(progress)
            except StopIteration as end:
                outcome = end.value
                break
        delivered = [as_pixels(image[None]) for image in outcome.images]
        forms = torch.cat([as_tensor(pixels) for pixels in delivered])
        compressed = torch.cat([as_tensor(through_jpeg(pixels)) for pixels in delivered])
        fooled += [verdict.protected for verdict in protector.judge(originals, forms)]
        fooled_jpeg += [verdict.protected for verdict in protector.judge(originals, compressed)]
        for name, model, images in (
            ("white_before", adversary, originals),
            ("white_after", adversary, forms),
            ("judge_before", judge, originals),
            ("judge_after", judge, forms),
        ):
            right[name] += (model.read(images).argmax(1).numpy() == truth).tolist()
        decibels += [psnr(photo, pixels) for photo, pixels in zip(photos, delivered, strict=True)]
        likeness += [ssim(photo, pixels) for photo, pixels in zip(photos, delivered, strict=True)]
        steps += list(outcome.steps)
        report(f"scene: {len(fooled)}/{len(order)} photos")
    return {
        "p_fgsm.images": len(fooled),
        "p_fgsm.fooled": float(np.mean(fooled)),
        "p_fgsm.jpeg.fooled": float(np.mean(fooled_jpeg)),
        "p_fgsm.psnr": float(np.mean(decibels)),
        "p_fgsm.psnr_deviation": float(np.std(decibels)),
        "p_fgsm.ssim": float(np.mean(likeness)),
        "p_fgsm.steps": float(np.mean(steps)),
        **{f"p_fgsm.{name}": float(np.mean(values)) for name, values in right.items()},
    }
