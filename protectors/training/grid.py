"""Trains the full grid of the papers' tables with one resumable command: classifiers, encoders and generators.

    cloakroom train grid --output DIR

Finished models are entered into DIR/manifest.json, which ``cloakroom evaluate search|visual`` read if DIR is the folder
``trained`` among the pulled models. A restarted command skips finished models, and resumes an unfinished generator.

The whole grid at the published widths is meant for a GPU. On two CPU cores, ``--width 0.25 --networks vgg13_bn resnet18
--epochs 8`` is feasible.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from protectors.adversaries.cifar_networks import NETWORKS, SIDE
from protectors.adversaries.classifier import Classifier
from protectors.adversaries.loading import load_classifier
from protectors.manifest import Entry, listed, sha256_of
from protectors.training.checkpoint import OtherRunError
from protectors.training.cifar import READING, LabelledImages, LossOf, Trainer, accuracy
from protectors.training.hashing import train
from protectors.training.visual import GeneratorTraining, Recipe
from protectors.weights import save_half

Say = Callable[[str], None]

SIZES = {"dsh": (12, 24, 36, 48), "dbh": (12, 24, 32, 48), "dpsh": (12, 24, 32, 48)}
"""Numbers of bits in each method's published tables."""

SAID_EVERY = 50
"""Steps between two lines of progress, as for the classifiers."""

NONE = "none"
"""Stands for no auxiliary model, which is the paper's ablation."""


@dataclass
class Grid:
    """A folder of trained models that is filled in the papers' order."""

    folder: Path
    data: LabelledImages
    say: Say
    networks: Sequence[str] = tuple(NETWORKS)
    width: float = 1.0
    epochs: int = 30
    generator_epochs: float = 10
    seed: int = 0
    models: dict[str, Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for network in self.networks:
            # Architectures that come in one width only fail here, not after hours.
            NETWORKS[network](len(self.data.classes), self.width)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.models = {model.name: model for model in listed(self.folder)}
        others = [model.name for model in self.models.values() if model.source != self._source]
        if others:
            raise OtherRunError(f"{self.folder} holds {others[0]} of another recipe: name another folder, or remove it")

    @property
    def _source(self) -> str:
        """The command that makes every model of this grid; a folder holds one grid."""
        return (
            f"cloakroom train grid, width {self.width:g}, {self.epochs} epochs, generators {self.generator_epochs:g}, "
            f"seed {self.seed}"
        )

    def run(self) -> None:
        for network in self.networks:
            self._once(f"{network}_cifar", partial(self._classifier, network))
        for method, sizes in SIZES.items():
            # DSH uses another architecture than the others if possible, so that transfer is not between equal networks.
            family = [name for name in self.networks if name.startswith("resnet") == (method == "dsh")]
            network = (family or self.networks)[0]
            for bits in sizes:
                self._once(f"{method}{bits}", partial(self._encoder, method, bits, network))
        for target, auxiliary in itertools.product(self.networks, (*self.networks, NONE)):
            if target != auxiliary:
                self._once(f"unet_{target}_{auxiliary}", partial(self._generator, target, auxiliary))

    def _once(self, name: str, make: Callable[[str], dict[str, Any]]) -> None:
        """Train one model and enter it into the manifest, unless it is there."""
        if name in self.models:
            self.say(f"{name} is there")
            return
        self.say(f"{name}: training")
        torch.manual_seed(self.seed)
        facts = make(name)
        enter(self.folder, name, facts | {"source": self._source}, self.data.classes)
        self.models = {model.name: model for model in listed(self.folder)}
        self.say(f"{name}: {facts['quality']}")

    def _architecture(self, network: str) -> str:
        return f"{network}_cifar" + (f"_x{self.width:g}" if self.width != 1 else "")

    def _trainer(self, name: str, epochs: int, rate: float) -> Callable[[nn.Module, nn.Module, LossOf], nn.Module]:
        def run(network: nn.Module, head: nn.Module, loss: LossOf) -> nn.Module:
            trainer = Trainer(self.data, network, head, self.seed)
            return trainer.run(loss, epochs, rate, lambda line: self.say(f"{name}: {line}"))

        return run

    def _classifier(self, network: str, name: str) -> dict[str, Any]:
        model = NETWORKS[network](len(self.data.classes), self.width)
        trained = self._trainer(name, self.epochs, 0.2)(model, nn.Identity(), READING)
        save_half(trained.state_dict(), self.folder / f"{name}.safetensors")
        facts = {"task": "visual", "role": "target", "architecture": self._architecture(network)}
        return facts | {"quality": {"cifar10.accuracy": round(accuracy(trained, self.data), 4)}}

    def _encoder(self, method: str, bits: int, network: str, name: str) -> dict[str, Any]:
        model, start = NETWORKS[network](bits, self.width), self.folder / f"{network}_cifar.safetensors"
        run = self._trainer(name, max(2, self.epochs // 8), 0.02)
        state, quality = train(self.data, method, model, bits, start, run)
        save_half(state, self.folder / f"{name}.safetensors")
        facts = {"task": "search", "role": "adversary", "architecture": self._architecture(network)}
        return facts | {"quality": {"cifar10.map1000": round(quality, 4)}}

    def _generator(self, target: str, auxiliary: str, name: str) -> dict[str, Any]:
        device = self.data.images.device
        reader = load_classifier(self.models[f"{target}_cifar"], device)
        other: Classifier | None = None
        if auxiliary != NONE:
            other = load_classifier(self.models[f"{auxiliary}_cifar"], device)
        recipe = Recipe(self.generator_epochs, self.seed)
        training = GeneratorTraining(self.data, reader, other, recipe, self.folder / f"{name}.run")

        def progress(done: int, total: int, left: float) -> None:
            if done % SAID_EVERY == 0 or done == total:
                self.say(f"{name}: {done}/{total}, about {left:.0f} s left")

        trained = training.run(progress)
        save_half(trained.state_dict(), self.folder / f"{name}.safetensors")
        (self.folder / f"{name}.run").unlink(missing_ok=True)
        facts = {"task": "visual", "role": "generator", "architecture": "unet", "target": f"{target}_cifar"}
        return facts | {"auxiliary": f"{auxiliary}_cifar" if other else "", "quality": {}}


def enter(folder: Path, name: str, facts: dict[str, Any], classes: Sequence[str]) -> None:
    """Add a model, whose weights lie in the folder, to its manifest."""
    path, weights = folder / "manifest.json", folder / f"{name}.safetensors"
    models = json.loads(path.read_text(encoding="utf-8"))["models"] if path.is_file() else []
    item = {
        "name": name,
        "set": "trained",
        "file": weights.name,
        "sha256": sha256_of(weights),
        "bytes": weights.stat().st_size,
        "licence": "your own; trained on CIFAR-10 (Krizhevsky, 2009)",
        "input_size": SIDE,
        "classes": list(classes),
        **facts,
    }
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps({"models": [*models, item]}, indent=1), encoding="utf-8")
    unfinished.replace(path)
