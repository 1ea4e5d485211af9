"""CIFAR-10 classifiers that others trained. They lie among the public data and are never part of the product.

They serve as real targets and auxiliary models of protective perturbations. Nothing here imports torch.
"""

from pathlib import Path

from protectors.manifest import Entry

FOLDER = "cifar_resnets"
"""The subfolder of the public data that holds them."""

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

WEIGHTS = {
    20: ("02926273efb1deadb6dc654c7087baea932ef2026d9f854680d6858146d85838", 1092520),
    32: ("897ca9a2e3e0f83d51ba9f0b65434c9242c2d4c896ded18d40f5bab4254875da", 1878968),
    44: ("c0e417f177f2f9e763c00e58d95804957cda4a81899671d43ee57b972594bc76", 2665480),
}
"""The SHA-256 and the size in bytes of each file, by depth."""

PUBLISHED = {20: 0.918, 32: 0.928, 44: 0.931}
"""Published accuracy on CIFAR-10's test images, by depth. The JPEG of ``cifar10.npz`` costs eleven to thirteen points of it."""


def listed_in(data: Path) -> tuple[Entry, ...]:
    """Return the networks whose weights lie in the folder of the public data, by depth."""
    found = tuple(described(depth, data / FOLDER / f"resnet{depth}.safetensors") for depth in WEIGHTS)
    return tuple(network for network in found if network.file is not None and network.file.is_file())


def described(depth: int, weights: Path) -> Entry:
    """Return the manifest entry of a network whose weights are in a file."""
    sha256, size = WEIGHTS[depth]
    return Entry(
        name=f"resnet{depth}_cifar",
        task="visual",
        role="target",
        architecture=f"cifar_resnet{depth}",
        set="data",
        sha256=sha256,
        bytes=size,
        licence="BSD-2-Clause (akamaster/pytorch_resnet_cifar10); trained on CIFAR-10 (Krizhevsky, 2009)",
        source="akamaster/pytorch_resnet_cifar10",
        input_size=32,
        classes=CLASSES,
        file=weights,
        quality={"cifar10.published.accuracy": PUBLISHED[depth]},
    )
