"""Measures how well a search by codes still finds images similar to recessive ones, and their quality and cost.

The protocol is the paper's: images with equal labels are similar, queries come from the test split, the database is the
training split, and mAP is computed over the nearest images. CIFAR-10 is the first dataset; scenes15.npz stands for the second,
Google Landmarks.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from protectors.adversaries.hash_encoder import HashEncoder
from protectors.adversaries.loading import load_encoder
from protectors.archive import Archive
from protectors.base import Budget
from protectors.channel.exact import jpeg
from protectors.evaluation.measurement import SEED, Figures, Measurement
from protectors.evaluation.reading import images_of
from protectors.evaluation.retrieval import mean_average_precision, precision_within
from protectors.evaluation.running import cloaked_batch
from protectors.manifest import TRAINED, Entry, entries, entry, listed
from protectors.optimisation import on_levels
from protectors.quality import as_pixels
from protectors.saving import Pixels
from protectors.search import Rule, SearchProtector

GROUPS = {
    12: ("dsh12", "dbh12", "dpsh12"),
    24: ("dsh24", "dbh24", "dpsh24"),
    36: ("dsh36", "dbh32", "dpsh32"),
    48: ("dsh48", "dbh48", "dpsh48"),
}
"""Encoders that are protected against together, by their approximate bits: 24 and 48 are embedded, the others the grid's."""

QUICK_GROUP = 48
QUERIES = 500
QUICK_QUERIES = 24
QUICK_DATABASE = 4000
TOP = 1000
LANDMARKS = "dbh48_scenes15"
LANDMARKS_TOP = 200
"""Fewer than ``TOP``, because scenes15.npz has some 250 images in each class."""

BATCH = 100
BUDGET = Budget(8 / 255, 30)
STRIPS = 6


@dataclass(frozen=True)
class Database:
    """The database of one encoder: codes [N, bits] and labels [N] of unprotected images."""

    encoder: HashEncoder
    codes: Tensor
    labels: Tensor
    top: int = TOP

    def quality(self, images: Tensor, truth: Tensor) -> tuple[float, float]:
        """Return the mAP over the nearest images, and the precision within Hamming radius 2, of queries [Q, 3, H, W]."""
        codes = codes_of(self.encoder, images)
        return (
            mean_average_precision(codes, truth, self.codes, self.labels, self.top),
            precision_within(codes, truth, self.codes, self.labels),
        )


def codes_of(encoder: HashEncoder, images: Tensor) -> Tensor:
    return torch.cat([encoder.codes(batch.to(encoder.device)).cpu() for batch in images.split(500)])


@dataclass(frozen=True)
class Protected:
    """Queries cloaked by one rule, on 8-bit levels, and the time for each."""

    images: Tensor
    milliseconds: float

    def figures(self, originals: Tensor) -> Figures:
        perturbation = self.images - originals
        decibels = -10 * perturbation.square().mean((1, 2, 3)).clamp(min=1e-10).log10()
        return {"psnr": float(decibels.mean()), "l1": float(perturbation.abs().mean() * 255), "ms": self.milliseconds}


def protect(
    encoders: Sequence[HashEncoder],
    originals: Tensor,
    rule: Rule,
    progress: Measurement | None = None,
) -> Protected:
    protector = SearchProtector(encoders, torch.Generator().manual_seed(SEED), rule)
    begun, made = time.perf_counter(), []
    for batch in originals.split(BATCH):
        made.append(cloaked_batch(protector, batch.to(encoders[0].device), BUDGET).images.cpu())
        if progress:
            progress.progress(sum(len(part) for part in made), len(originals))
    return Protected(torch.cat(made), 1000 * (time.perf_counter() - begun) / len(originals))


def as_large(images: Tensor, originals: Tensor, others: Tensor) -> Tensor:
    """Scale each image's perturbation to the size of another's, and round to 8-bit levels."""
    perturbation, size = images - originals, (others - originals).square().mean((1, 2, 3), keepdim=True).sqrt()
    scale = size / perturbation.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-6)
    return on_levels((originals + scale * perturbation).clamp(0, 1))


def fewer_levels(images: Tensor, bits: int = 4) -> Tensor:
    """Reduce the bit depth, the paper's other processing of its images."""
    levels = float(2**bits - 1)
    return (images * levels).round() / levels


@dataclass(frozen=True)
class Dataset:
    """Queries and stored images, both in random order, so that no class comes first among codes at the same distance."""

    queries: Tensor
    truth: Tensor
    stored: Tensor
    labels: Tensor

    @classmethod
    def of(cls, archive: Archive, quick: bool) -> "Dataset":
        chance = np.random.default_rng(SEED)
        order = chance.permutation(np.where(archive["is_test"])[0])[: QUICK_QUERIES if quick else QUERIES]
        rest = chance.permutation(np.where(~archive["is_test"])[0])[: QUICK_DATABASE if quick else None]

        def labels(chosen: NDArray[np.int64]) -> Tensor:
            return torch.from_numpy(archive["labels"][chosen].astype(np.int64))

        return cls(images_of(archive, order), labels(order), images_of(archive, rest), labels(rest))

    def searched_by(self, encoder: HashEncoder, top: int = TOP) -> Database:
        return Database(encoder, codes_of(encoder, self.stored), self.labels, top)


def run(measurement: Measurement) -> None:
    """Measure all figures of ``search.json``.

    ``ours`` protects against the three encoders of a size at once, ``paper`` and ``ifgsm`` against the one that searches.
    ``transfer`` is made on DSH alone by our ``unseen`` rule, ``transfer.paper`` by the paper's; both are searched by the other
    encoders, whose network differs. ``equal.ours`` is our ``nearest`` rule against the searching encoder, with its perturbation
    scaled to the size of the paper's; ``equal.paper`` is the paper's perturbation scaled to the size of ``ours``.
    """
    dataset = Dataset.of(Archive(measurement.data / "cifar10.npz"), measurement.quick)
    measurement.figures |= {"queries": len(dataset.queries), "database": len(dataset.stored)}
    known = encoders_of(measurement)
    for bits, names in GROUPS.items():
        if all(name in known for name in names) and (bits == QUICK_GROUP or not measurement.quick):
            group = [known[name] for name in names]
            measurement.part(f"{bits} bits", partial(one_size, group, dataset, measurement, bits == QUICK_GROUP))
    if not measurement.quick:
        measurement.part("landmarks", partial(landmarks, measurement))


def encoders_of(measurement: Measurement) -> dict[str, Entry]:
    """Return the embedded encoders and the grid's by name; of two with the same name, the grid's."""
    trained = listed(measurement.models / TRAINED) if measurement.models else ()
    return {model.name: model for model in (*entries(), *trained) if model.task == "search"}


def one_size(group: Sequence[Entry], dataset: Dataset, measurement: Measurement, shown: bool) -> Figures:
    """Measure DSH, DBH and DPSH of about the same bits; ``shown`` puts images into the report."""
    encoders = [load_encoder(model, torch.device(measurement.device)) for model in group]
    databases = [dataset.searched_by(encoder) for encoder in encoders]
    queries, truth = dataset.queries, dataset.truth
    figures: Figures = {}
    ours = protect(encoders, queries, "codes", measurement)
    for database in databases:
        name = database.encoder.name
        measured, paper = row(database, queries, truth, ours)
        figures |= {f"{name}.{key}": value for key, value in measured.items()}
        for index in range(STRIPS if shown else 0):
            forms = (queries, paper.images, ours.images)
            measurement.strip(f"{name}.{index}", [enlarged(form[index]) for form in forms])
    transfers: tuple[tuple[str, Rule], ...] = (("transfer", "unseen"), ("transfer.paper", "published"))
    for name, rule in transfers:
        made = protect(encoders[:1], queries, rule)
        figures[f"{name}.{encoders[0].name}.psnr"] = made.figures(queries)["psnr"]
        for database in databases[1:]:
            figures[f"{name}.dsh_to_{database.encoder.name}"] = database.quality(made.images, truth)[0]
    return figures


def row(database: Database, queries: Tensor, truth: Tensor, ours: Protected) -> tuple[Figures, Protected]:
    """Return the figures of one encoder, and the images of the paper's rule."""
    clean, near = database.quality(queries, truth)
    paper = protect([database.encoder], queries, "published")
    ifgsm = protect([database.encoder], queries, "ifgsm")
    nearest = protect([database.encoder], queries, "nearest")
    after, after_near = database.quality(ours.images, truth)
    return {
        "clean": clean,
        "clean.radius2": near,
        "paper": database.quality(paper.images, truth)[0],
        "paper.jpeg75": database.quality(jpeg(paper.images, 75, subsampled=True), truth)[0],
        "ifgsm": database.quality(ifgsm.images, truth)[0],
        "ours": after,
        "ours.radius2": after_near,
        "equal.ours": database.quality(as_large(nearest.images, queries, paper.images), truth)[0],
        "equal.paper": database.quality(as_large(paper.images, queries, ours.images), truth)[0],
        "jpeg75": database.quality(jpeg(ours.images, 75, subsampled=True), truth)[0],
        "levels16": database.quality(fewer_levels(ours.images), truth)[0],
        **ours.figures(queries),
        **{f"paper.{key}": value for key, value in paper.figures(queries).items()},
        **{f"ifgsm.{key}": value for key, value in ifgsm.figures(queries).items()},
    }, paper


def landmarks(measurement: Measurement) -> Figures:
    """Measure DBH on the second dataset, with the drop of mAP as a share of the clean one, as in the paper."""
    archive = Archive(measurement.data / "scenes15.npz")
    dataset = Dataset.of(archive, measurement.quick)
    encoder = load_encoder(entry(LANDMARKS), torch.device(measurement.device))
    database = dataset.searched_by(encoder, LANDMARKS_TOP)
    ours = protect([encoder], dataset.queries, "codes", measurement)
    measured, _ = row(database, dataset.queries, dataset.truth, ours)
    drops = {f"{name}.drop": 1 - measured[name] / measured["clean"] for name in ("ours", "paper", "ifgsm")}
    return {f"landmarks.{key}": value for key, value in (measured | drops).items()}


def enlarged(image: Tensor, times: int = 4) -> Pixels:
    """Turn an image [3, H, W] into pixels enlarged by repetition, for display."""
    return as_pixels(image[None]).repeat(times, 0).repeat(times, 1)
