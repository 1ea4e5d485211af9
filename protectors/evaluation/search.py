"""Recessive images on CIFAR-10's test split: how well a search by codes still finds their like, at what quality and cost.

The protocol is the paper's: labels are the meaning, the database is the training split, mAP is taken over the nearest thousand.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from protectors.adversaries.hash_encoder import HashEncoder
from protectors.adversaries.loading import load_encoder
from protectors.archive import Archive
from protectors.base import Budget
from protectors.channels import through_jpeg
from protectors.evaluation.delivery import outcome_of
from protectors.evaluation.retrieval import mean_average_precision, precision_within
from protectors.manifest import entry
from protectors.quality import as_pixels, as_tensor
from protectors.search import Rule, SearchProtector

METHODS = ("dsh", "dbh", "dpsh")
BITS = (24, 48)
QUICK_BITS = (48,)
QUERIES = 1000
QUICK_QUERIES = 60
QUICK_DATABASE = 4000
TOP = 1000
BATCH = 100
BUDGET = Budget(8 / 255, 30)
SEED = 0


@dataclass(frozen=True)
class Database:
    """What one encoder searches: codes [N, bits] and labels [N] of images nobody protected."""

    encoder: HashEncoder
    codes: Tensor
    labels: Tensor

    def quality(self, images: Tensor, truth: Tensor) -> tuple[float, float]:
        """mAP over the nearest, and precision within Hamming radius 2, for queries [Q, 3, H, W] as delivered."""
        codes = codes_of(self.encoder, images)
        return (
            mean_average_precision(codes, truth, self.codes, self.labels, TOP),
            precision_within(codes, truth, self.codes, self.labels),
        )


def codes_of(encoder: HashEncoder, images: Tensor) -> Tensor:
    return torch.cat([encoder.codes(batch) for batch in images.split(500)])


@dataclass(frozen=True)
class Protected:
    """Queries after one rule, on the levels of a file, and what that cost."""

    images: Tensor
    milliseconds: float

    def figures(self, originals: Tensor) -> dict[str, float]:
        change = self.images - originals
        decibels = -10 * change.square().mean((1, 2, 3)).clamp(min=1e-10).log10()
        return {"psnr": float(decibels.mean()), "l1": float(change.abs().mean() * 255), "ms": self.milliseconds}


def protect(encoders: Sequence[HashEncoder], originals: Tensor, rule: Rule) -> Protected:
    protector = SearchProtector(encoders, torch.Generator().manual_seed(SEED), rule)
    begun = time.perf_counter()
    images = torch.cat([outcome_of(protector, batch, BUDGET).images for batch in originals.split(BATCH)])
    return Protected(images, 1000 * (time.perf_counter() - begun) / len(originals))


def as_jpeg(images: Tensor, quality: int) -> Tensor:
    return torch.cat([as_tensor(through_jpeg(as_pixels(image[None]), quality)) for image in images])


def fewer_levels(images: Tensor, bits: int = 4) -> Tensor:
    """Bit-depth reduction, the other processing that the paper tries on its images."""
    levels = float(2**bits - 1)
    return (images * levels).round() / levels


def run(quick: bool, data: Path, report: Callable[[str], None]) -> dict[str, float]:
    """All figures of ``search.json``. ``ours`` protects against the three encoders of a size at once, ``paper`` and ``ifgsm``
    against the one that searches."""
    archive = Archive(data / "cifar10.npz")
    tests = np.where(archive["is_test"])[0]
    order = np.random.default_rng(SEED).permutation(tests)[: QUICK_QUERIES if quick else QUERIES]
    rest = np.where(~archive["is_test"])[0][: QUICK_DATABASE if quick else None]
    queries, truth = images_of(archive, order)
    stored, labels = images_of(archive, rest)
    figures: dict[str, float] = {"queries": len(order), "database": len(rest)}
    for bits in QUICK_BITS if quick else BITS:
        encoders = [load_encoder(entry(f"{method}{bits}"), torch.device("cpu")) for method in METHODS]
        databases = {
            method: Database(own, codes_of(own, stored), labels) for method, own in zip(METHODS, encoders, strict=True)
        }
        report(f"{bits} bits: the database is read")
        ours = protect(encoders, queries, "codes")
        for method, database in databases.items():
            prefix = f"{method}{bits}"
            figures |= row(prefix, database, queries, truth, ours)
            report(" ".join(f"{key} {value:.3f}" for key, value in figures.items() if key.startswith(prefix)))
        transfers: tuple[tuple[str, Rule], ...] = (("transfer", "published"), ("transfer.codes", "codes"))
        for name, rule in transfers:
            made = protect(encoders[:1], queries, rule).images
            for method in METHODS[1:]:
                figures[f"{name}.dsh_to_{method}{bits}"] = databases[method].quality(made, truth)[0]
    return figures


def images_of(archive: Archive, indices: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Images [N, 3, H, W] in [0, 1] and labels [N]."""
    pixels = torch.from_numpy(np.stack(archive.images(indices.tolist()))).permute(0, 3, 1, 2)
    return pixels.float() / 255, torch.from_numpy(archive["labels"][indices].astype(np.int64))


def row(prefix: str, database: Database, queries: Tensor, truth: Tensor, ours: Protected) -> dict[str, float]:
    """The figures of one encoder."""
    clean, near = database.quality(queries, truth)
    paper = protect([database.encoder], queries, "published")
    ifgsm = protect([database.encoder], queries, "ifgsm")
    after, after_near = database.quality(ours.images, truth)
    figures = {
        "clean": clean,
        "clean.radius2": near,
        "paper": database.quality(paper.images, truth)[0],
        "paper.jpeg75": database.quality(as_jpeg(paper.images, 75), truth)[0],
        "ifgsm": database.quality(ifgsm.images, truth)[0],
        "ours": after,
        "ours.radius2": after_near,
        "jpeg75": database.quality(as_jpeg(ours.images, 75), truth)[0],
        "levels16": database.quality(fewer_levels(ours.images), truth)[0],
        **ours.figures(queries),
        **{f"paper.{key}": value for key, value in paper.figures(queries).items()},
        **{f"ifgsm.{key}": value for key, value in ifgsm.figures(queries).items()},
    }
    return {f"{prefix}.{key}": value for key, value in figures.items()}
