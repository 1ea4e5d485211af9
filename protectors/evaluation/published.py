"""The figures that the papers print, and which of our figures stands beside each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SCALES = {"": 1.0, "%": 0.01, "dB": 1.0, "ms": 1.0, "s": 1000.0, "M": 1e6, "MB": 1e6}
"""Factors from the papers' units to ours (fractions, milliseconds, single parameters, bytes)."""


@dataclass(frozen=True)
class Published:
    """One row of a table."""

    what: str
    printed: str
    """The paper's figure: a number, or the lowest and the highest of several, joined by an en dash."""
    unit: str
    key: str
    """Key of our figure, or a regular expression for several."""
    better: Literal["lower", "higher"] | None = None
    """The better direction; None for a figure from before protection."""
    per: str = ""
    """Key of the figure by which ours is divided; empty for none."""

    @property
    def values(self) -> tuple[float, ...]:
        """The paper's figures in our unit."""
        return tuple(float(number) * SCALES[self.unit] for number in self.printed.split("–"))

    def ours(self, figures: Mapping[str, float]) -> tuple[float, ...]:
        """Return our figure, or the lowest and the highest of several; empty if none was measured."""
        if self.per and not figures.get(self.per):
            return ()
        found = [value for key, value in figures.items() if key == self.key or re.fullmatch(self.key, key)]
        each = [value / figures[self.per] for value in found] if self.per else found
        return tuple(sorted({min(each), max(each)})) if each else ()

    def met(self, figures: Mapping[str, float]) -> bool:
        """Return whether all of ours are at least as good as the worst published one."""
        ours = self.ours(figures)
        if not ours or self.better is None:
            return False
        return max(ours) <= max(self.values) if self.better == "lower" else min(ours) >= min(self.values)

    def shown(self, values: tuple[float, ...]) -> str:
        """Format values in our unit like the paper's."""
        decimals = max(len(number.partition(".")[2]) for number in self.printed.split("–"))
        numbers = "–".join(f"{value / SCALES[self.unit]:.{decimals}f}" for value in values)
        return f"{numbers} {self.unit}".rstrip()


@dataclass(frozen=True)
class Table:
    """The figures of one paper."""

    title: str
    paper: str
    there: str
    """The paper's data and models."""
    here: str
    """The data and models used here."""
    rows: tuple[Published, ...]


def _objects(name: str, prefix: str, success: str, leakage: str) -> tuple[Published, ...]:
    return (
        Published(f"{name}: photos in which nothing is found that had to go", success, "%", f"{prefix}.success", "higher"),
        Published(f"{name}: leakage, objects found afterwards of those before", leakage, "%", f"{prefix}.leakage", "lower"),
    )


OBJECTS = Table(
    title="Objects: Object Disappearance",
    paper="Xue et al., SocialGuard, 2021",
    there="COCO",
    here="test photos of people.npz, a detector trained here",
    rows=(
        *_objects("M_all, 8/255", "m_all.eps8", "96.1", "0.57"),
        Published("M_all, 8/255: PSNR", "27.16", "dB", "m_all.eps8.psnr", "higher"),
        Published("M_all, 8/255: SSIM", "0.751", "", "m_all.eps8.ssim", "higher"),
        *_objects("M_sen, 3/255", "m_sen.eps3", "96.5", "2.23"),
        Published("M_sen, 3/255: PSNR", "46.91", "dB", "m_sen.eps3.psnr", "higher"),
        Published("M_sen, 3/255: SSIM", "0.992", "", "m_sen.eps3.ssim", "higher"),
        *_objects("M_all by the published rule, 8/255", "published.m_all.eps8", "96.1", "0.57"),
    ),
)


def _transfer(to: str, clean: str, protected: str) -> tuple[Published, ...]:
    key = f"dsh_to_{to.lower()}24"
    return (
        Published(f"{to}, 24 bits: mAP before", clean, "", f"{to.lower()}24.clean"),
        Published(f"{to}, 24 bits: mAP, the paper's made on DSH", protected, "", f"transfer.paper.{key}", "lower"),
        Published(f"{to}, 24 bits: mAP, ours made on DSH", protected, "", f"transfer.{key}", "lower"),
    )


SEARCH = Table(
    title="Search: recessive images",
    paper="Recessive Social Networking: Preventing Privacy Leakage against Reverse Image Search",
    there="CIFAR-10 and Google Landmarks, a GTX 1080 Ti",
    here="cifar10.npz and, for Google Landmarks, scenes15.npz; encoders trained here",
    rows=(
        Published("DSH, 24 bits: mAP before", "0.639", "", "dsh24.clean"),
        Published("DSH, 24 bits: mAP, the paper's perturbation", "0.178", "", "dsh24.paper", "lower"),
        Published("DSH, 24 bits: mAP, ours", "0.178", "", "dsh24.ours", "lower"),
        Published("DSH, 24 bits: mAP, the paper's, after JPEG", "0.108", "", "dsh24.paper.jpeg75", "lower"),
        Published("DSH, 24 bits: mAP, ours, after JPEG", "0.108", "", "dsh24.jpeg75", "lower"),
        Published("DSH, 24 bits: mAP, ours, after bit-depth reduction", "0.182", "", "dsh24.levels16", "lower"),
        Published("DBH, 48 bits: mAP before", "0.840", "", "dbh48.clean"),
        Published("DBH, 48 bits: mAP, the paper's perturbation", "0.047", "", "dbh48.paper", "lower"),
        Published("DBH, 48 bits: mAP, ours", "0.047", "", "dbh48.ours", "lower"),
        *_transfer("DBH", "0.83", "0.375"),
        *_transfer("DPSH", "0.77", "0.445"),
        Published("DBH on the second dataset: mAP lost, the paper's", "70.02", "%", "landmarks.paper.drop", "higher"),
        Published("DBH on the second dataset: mAP lost, ours", "70.02", "%", "landmarks.ours.drop", "higher"),
        Published("time an image, the paper's perturbation", "4.28", "s", "dsh24.paper.ms", "lower"),
        Published("time an image, ours", "4.28", "s", "dsh24.ms", "lower"),
    ),
)


def _scene(name: str, prefix: str, top1: str, top5: str, psnr: str) -> tuple[Published, ...]:
    return (
        Published(f"{name}: top-1 accuracy", top1, "%", f"{prefix}.top1", "lower"),
        Published(f"{name}: top-5 accuracy", top5, "%", f"{prefix}.top5", "lower"),
        Published(f"{name}: PSNR", psnr, "dB", f"{prefix}.psnr", "higher"),
    )


def _p_fgsm(name: str, prefix: str) -> tuple[Published, ...]:
    return (
        *_scene(name, prefix, "0.00", "5.60", "39.99"),
        Published(f"{name}: BRISQUE", "23.85", "", f"{prefix}.brisque", "lower"),
        Published(f"{name}: distance from evenly read classes", "0.14", "", f"{prefix}.distance", "lower"),
    )


SCENE = Table(
    title="Scene: P-FGSM and its baselines",
    paper="Li et al., Scene privacy protection, ICASSP 2019",
    there="ResNet50, Places365: 365 classes",
    here="test photos of scenes6.npz, a classifier trained here: six classes, so that the top five leave out one",
    rows=(
        *_p_fgsm("P-FGSM", "p_fgsm"),
        *_p_fgsm("P-FGSM by the published rule", "p_fgsm.published"),
        *_scene("N-FGSM", "n_fgsm", "8.83", "23.00", "40.62"),
        *_scene("R-FGSM", "r_fgsm", "0.17", "7.00", "40.24"),
        *_scene("L-FGSM", "l_fgsm", "0.00", "0.17", "38.08"),
    ),
)

VISUAL = Table(
    title="Visual: protective perturbations",
    paper="the protective-perturbation paper",
    there="CIFAR-10, eight targets with seven auxiliary models each",
    here="cifar10.npz; vgg13_bn and resnet18 trained here; resnet20, resnet32 and resnet44 by others, without its JPEG",
    rows=(
        Published("targets' accuracy before", "92.9–94.2", "%", r"baseline\.\w+"),
        Published(
            "pairs that lose less than 5 points of it (published: 38 of 56)",
            "67.9",
            "%",
            "pairs_within_5",
            "higher",
            per="pairs",
        ),
        Published("auxiliary models' accuracy afterwards", "0.74–10.34", "%", r"\w+\.(?!none\b)\w+\.auxiliary", "lower"),
        Published("generator: parameters", "7.766", "M", "generator.parameters"),
        Published("generator: size", "31", "MB", "generator.bytes"),
        # Times are not compared, since the devices differ; the sentence below the table names ours.
        Published("generator: time a 32x32 image (on a GPU: 0.047 ms)", "1.17–1.39", "ms", r"\w+\.(?!none\b)\w+\.ms"),
    ),
)

SURVIVAL = Table(
    title="Survival: what a site keeps",
    paper="the best figures published for surviving JPEG, by several",
    there="a watermark-like attack at 30.1 dB for JPEG 75, a curriculum over nine qualities at 32.7 dB",
    here="with the embedded networks, test photos of people.npz and scenes6.npz, at balanced; success on the decoded file",
    rows=tuple(
        row
        for name, prefix in (("M_all", "m_all"), ("M_sen", "m_sen"), ("search", "search"), ("scene", "scene"))
        for row in (
            Published(f"{name}: success after JPEG 75 (Instagram)", "76", "%", f"before.{prefix}.instagram.success", "higher"),
            Published(f"{name}: PSNR", "30.1", "dB", f"before.{prefix}.delivered.psnr", "higher"),
        )
    ),
)

QUALITY = Table(
    title="Quality: every delivered photo, not their mean",
    paper="the best figures published for surviving JPEG, by several",
    there="the mean of a watermark-like attack that survives JPEG 75, 30.1 dB",
    here="test photos of people.npz and photos.npz, cloaked by the default policy at balanced, as JPEG 98",
    rows=(
        Published("PSNR, the worst photo", "30.1", "dB", "psnr.min", "higher"),
        Published("PSNR, mean", "30.1", "dB", "psnr.mean", "higher"),
    ),
)

ENSEMBLE = Table(
    title="Ensemble: one cloak against all adversaries",
    paper="none",
    there="nothing published to compare with",
    here="test photos of people.npz, each protector alone and the three together, at balanced",
    rows=(),
)

TRANSFER = Table(
    title="Transfer: scene classifiers that were not cloaked against",
    paper="each method's own",
    there="ImageNet classifiers, other figures than these",
    here="test photos of scenes6.npz at 8/255, each architecture left out in turn, equally many gradients for every method",
    rows=(),
)

TABLES = {
    "objects": OBJECTS,
    "search": SEARCH,
    "scene": SCENE,
    "visual": VISUAL,
    "survival": SURVIVAL,
    "ensemble": ENSEMBLE,
    "transfer": TRANSFER,
    "quality": QUALITY,
}
"""The tables by the evaluation that measures our figures."""
