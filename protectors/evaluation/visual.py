"""Measures protective perturbations on CIFAR-10's test split: the models' readings, the similarity for people, and the cost.

Every generator's pair of target and auxiliary model is measured: the grid's (``cloakroom train grid``) if it was run, else the
embedded one, or on request the pairs of real networks (``cloakroom train pairs``). All readings are of the 8-bit images that
would be delivered.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.cifar_networks import NETWORKS, SIDE
from protectors.adversaries.classifier import Classifier
from protectors.adversaries.loading import load_classifier
from protectors.archive import Archive
from protectors.base import Budget
from protectors.channel.exact import jpeg
from protectors.cifar_resnets import listed_in
from protectors.evaluation.leakage import under
from protectors.evaluation.measurement import SEED, Figures, Measurement
from protectors.evaluation.pairs import counts
from protectors.evaluation.reading import images_of, share_right
from protectors.evaluation.running import cloaked_batch
from protectors.evaluation.search import enlarged
from protectors.generators import load as load_generator
from protectors.manifest import PAIRS, TRAINED, DamagedWeightsError, Entry, entries, listed
from protectors.optimisation import on_levels
from protectors.quality import ssim_of
from protectors.unet import UNet
from protectors.visual import VisualProtector, smaller

IMAGES = 10_000
QUICK_IMAGES = 200
SETTLED_IMAGES = 300
"""Number of images for the delivered pictures of real networks' pairs, which take longest to correct."""

LARGER = 4
"""Factor on the side of pictures that are larger than the model's input."""

TIMED = 64
TIMES = 5
STRIPS = 8


@dataclass(frozen=True)
class Zoo:
    """The models of the pairs: the grid's if it was run, else the embedded ones; or the real ones."""

    models: tuple[Entry, ...]
    device: torch.device

    @classmethod
    def of(cls, folder: Path | None, device: torch.device) -> "Zoo":
        trained = [model for model in listed(folder / TRAINED) if model.task == "visual"] if folder else []
        # The grid's networks have the same names as the embedded ones, so they replace all of them.
        return cls(tuple(trained or (model for model in entries() if model.task == "visual")), device)

    @classmethod
    def real(cls, folder: Path | None, data: Path, device: torch.device) -> "Zoo":
        """Return the networks that others trained, and the generators for their pairs.

        Raises:
            DamagedWeightsError: no such generator has been trained.
        """
        generators = listed(folder / PAIRS) if folder else ()
        if not generators:
            raise DamagedWeightsError("no generators for real networks are there: run `cloakroom train pairs`")
        return cls((*generators, *listed_in(data)), device)

    @property
    def generators(self) -> list[Entry]:
        return [model for model in self.models if model.role == "generator"]

    def classifier(self, name: str) -> Classifier:
        return load_classifier(next(model for model in self.models if model.name == name), self.device)

    def other(self, target: str) -> str:
        """Return the first classifier other than the target, as the reader if a generator has no auxiliary model."""
        return next(model.name for model in self.models if model.role != "generator" and model.name != target)


def run(measurement: Measurement) -> None:
    """Measure all figures of ``visual.json``: ``TARGET.AUXILIARY.target`` and so on. ``TARGET.none`` is the generator trained
    without an auxiliary model; its ``auxiliary`` is another model's accuracy."""
    archive = Archive(measurement.data / "cifar10.npz")
    tests = np.random.default_rng(SEED).permutation(np.where(archive["is_test"])[0])
    tests = tests[: QUICK_IMAGES if measurement.quick else IMAGES]
    images, truth = images_of(archive, tests), torch.from_numpy(archive["labels"][tests].astype(np.int64))
    device = torch.device(measurement.device)
    zoo = Zoo.real(measurement.models, measurement.data, device) if measurement.real else Zoo.of(measurement.models, device)
    measurement.figures["images"] = len(images)
    for generator in zoo.generators:
        measurement.part(generator.name, partial(pair, generator, zoo, images, truth, measurement))
    measurement.figures["generator.parameters"] = sum(weights.numel() for weights in UNet().parameters())
    measurement.figures["generator.bytes"] = max(generator.bytes for generator in zoo.generators)
    counted = counts(measurement.figures)
    measurement.figures |= counted
    if measurement.real:
        # The counts also get a separate prefix, since the results file has the keys above for all pairs.
        measurement.figures |= under("real", counted)


def short(name: str) -> str:
    """Return a model's name as in the papers."""
    return name.removesuffix("_cifar")


def pair(generator: Entry, zoo: Zoo, images: Tensor, truth: Tensor, measurement: Measurement) -> Figures:
    """Return the figures of one generator: of its single pass, as in the paper, and of the delivered pictures (``settled``)."""
    target = zoo.classifier(generator.target)
    auxiliary = zoo.classifier(generator.auxiliary or zoo.other(generator.target))
    protector = VisualProtector(load_generator(generator, zoo.device), auxiliary, target)
    drawn = torch.cat([on_levels(protector.generator.draw(batch.to(zoo.device))).cpu() for batch in images.split(500)])
    prefix = f"{short(target.name)}.{short(generator.auxiliary) if generator.auxiliary else 'none'}"
    clean = share_right(target, images, truth)
    kept = share_right(target, drawn, truth)
    figures = {
        f"{prefix}.target": kept,
        f"{prefix}.lost": clean - kept,
        f"{prefix}.auxiliary": share_right(auxiliary, drawn, truth),
        f"{prefix}.ssim": likeness(images, drawn),
    }
    if not generator.auxiliary:
        # This generator is for comparison only: correcting its pictures would use the auxiliary model that it does without.
        return figures
    settled = min(len(images), SETTLED_IMAGES) if measurement.real else len(images)
    figures |= {
        f"baseline.{short(target.name)}": clean,
        f"baseline.{short(auxiliary.name)}": share_right(auxiliary, images, truth),
        f"{prefix}.settled.images": settled,
        **under(
            f"{prefix}.settled", delivered_figures(protector, target, images[:settled], truth[:settled], measurement, prefix)
        ),
    }
    if not measurement.real:
        # A generator's cost does not depend on its pair.
        figures |= under(prefix, times(protector, target, images[:TIMED]))
    return figures


def delivered_figures(
    protector: VisualProtector, target: Classifier, images: Tensor, truth: Tensor, measurement: Measurement, prefix: str
) -> Figures:
    """Return the figures of delivered pictures, which are corrected until both models read them as intended."""
    auxiliary, device = protector.auxiliary, target.device

    def delivered(originals: Tensor) -> Tensor:
        return cloaked_batch(protector, originals.to(device), Budget()).images.cpu()

    made, begun = [], time.perf_counter()
    for batch in images.split(500):
        made.append(delivered(batch))
        measurement.progress(sum(len(part) for part in made), len(images))
    pictures, seconds = torch.cat(made), time.perf_counter() - begun
    compressed = jpeg(pictures)
    # Images are enlarged before protection, to stand for photos larger than the model's input; the service shrinks them again.
    larger = functional.interpolate(images[: len(images) // 5], scale_factor=LARGER, mode="bicubic", align_corners=False).clamp(
        0, 1
    )
    returned = torch.cat([smaller(delivered(batch), SIDE) for batch in larger.split(200)])
    for index in range(STRIPS):
        measurement.strip(f"{prefix}.{index}", [enlarged(images[index]), enlarged(pictures[index])])
    return {
        "target": share_right(target, pictures, truth),
        "auxiliary": share_right(auxiliary, pictures, truth),
        "ssim": likeness(images, pictures),
        "ms": 1000 * seconds / len(images),
        "jpeg.target": share_right(target, compressed, truth),
        "jpeg.auxiliary": share_right(auxiliary, compressed, truth),
        "larger.target": share_right(target, returned, truth[: len(returned)]),
        "larger.auxiliary": share_right(auxiliary, returned, truth[: len(returned)]),
    }


def likeness(first: Tensor, second: Tensor) -> float:
    """Return the mean structural similarity."""
    return float(torch.cat([ssim_of(*both) for both in zip(first.split(500), second.split(500), strict=True)]).mean())


@torch.no_grad()
def times(protector: VisualProtector, target: Classifier, images: Tensor) -> Figures:
    """Return milliseconds per image in batches: the generator's, the target's, and those of the target at its published width
    with random weights."""
    images = images.to(target.device)
    whole = NETWORKS[short(target.name)](len(target.classes), 1.0).eval().to(target.device)
    ways: Sequence[tuple[str, Callable[[], object]]] = (
        ("ms", lambda: protector.generator.draw(images)),
        ("target_ms", lambda: target.read(images)),
        ("whole_target_ms", lambda: whole(images)),
    )
    figures = {name: 1000 * fastest(way) / len(images) for name, way in ways}
    return {
        **figures,
        "ms_ratio": figures["ms"] / figures["target_ms"],
        "whole_ms_ratio": figures["ms"] / figures["whole_target_ms"],
    }


def fastest(way: Callable[[], object]) -> float:
    """Return the seconds of the fastest of a few runs, since other load on the machine can only add to it."""
    measured = []
    for _ in range(TIMES):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        begun = time.perf_counter()
        way()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        measured.append(time.perf_counter() - begun)
    return min(measured)
