"""Trains a generator for every pair of real networks, a target and an auxiliary model, and for every target without one.

    cloakroom train pairs --output DIR

The networks are the ResNets for CIFAR-10 that others trained (``cifar_resnets``). Finished generators are entered into
DIR/manifest.json, which ``cloakroom evaluate visual --real`` reads if DIR is the folder ``pairs`` among the pulled models. A
restarted command skips finished generators, and resumes an unfinished one. Only training images are read.

To make this feasible on a CPU, a target's further generators start from its first one, which the target already reads, and
learn to blind another auxiliary model.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from protectors.adversaries.classifier import Classifier
from protectors.adversaries.loading import load_classifier
from protectors.generators import network_of
from protectors.manifest import Entry, listed
from protectors.training.checkpoint import OtherRunError
from protectors.training.cifar import LabelledImages
from protectors.training.grid import NONE, enter
from protectors.training.visual import GeneratorTraining, Recipe, marked
from protectors.unet import UNet
from protectors.weights import save_half

SAID_EVERY = 20.0
"""Seconds between two lines of progress."""

FAINT = 0.1
"""Factor on the drawing of another target's generator when training starts from it. At full strength the new target reads
almost nothing in its pictures and training is slow; a faint drawing stays readable, and the network keeps what it learnt."""

FURTHER_RATE = 0.5
"""Factor on the learning rate of a generator that starts from one of the same target."""


@dataclass(frozen=True)
class Pair:
    """One generator to train. ``first`` is the name of the same target's generator that it starts from, or empty."""

    target: str
    auxiliary: str
    first: str = ""

    @property
    def name(self) -> str:
        """The generator's name."""
        return f"unet_{self.target}_{self.auxiliary}".replace("_cifar", "")


@dataclass
class Pairs:
    """A folder of generators. ``start`` is the weights file of a generator that each target's first one, and the one without an
    auxiliary model, start from; with None they start at random. ``further_epochs`` is the training length of the others.

    If ``start`` is the folder of an earlier training of pairs, each generator starts from the one of the same name there, and
    all are trained equally long.
    """

    folder: Path
    data: LabelledImages
    say: Callable[[str], None]
    networks: Sequence[Entry]
    recipe: Recipe
    further_epochs: float
    start: Path | None = None

    def __post_init__(self) -> None:
        """Check the folders. OtherRunError: the folder's generators have another recipe, or the one to start from is empty."""
        if self.start and self.start.is_dir() and not listed(self.start):
            raise OtherRunError(f"{self.start} holds no generators of an earlier training to begin from")
        self.folder.mkdir(parents=True, exist_ok=True)
        others = [model.name for model in listed(self.folder) if model.source != self.source]
        if others:
            raise OtherRunError(f"{self.folder} holds {others[0]} of another recipe: name another folder, or remove it")

    @property
    def source(self) -> str:
        """The command and the recipe that make all generators."""
        if self.start and self.start.is_dir():
            (earlier, *_) = (model.source for model in listed(self.start))
            return f"cloakroom train pairs, {self.recipe}, from those of: {earlier}"
        begun = f", from {self.start.stem} made faint" if self.start else ""
        return f"cloakroom train pairs, {self.recipe}, further epochs {self.further_epochs:g}{begun}"

    @property
    def wanted(self) -> list[Pair]:
        """All pairs: every target with every auxiliary model, then every target without one."""
        names = [network.name for network in self.networks]
        made = []
        for target in names:
            first, *others = (name for name in names if name != target)
            made.append(Pair(target, first))
            made += [Pair(target, other, made[-1].name) for other in others]
        return [*made, *(Pair(name, NONE) for name in names)]

    def run(self) -> tuple[Entry, ...]:
        """Train the unfinished generators, and return the entries of all."""
        finished = {model.name for model in listed(self.folder)}
        missing = [pair for pair in self.wanted if pair.name not in finished]
        self.say(f"{len(self.wanted) - len(missing)} of {len(self.wanted)} generators are there")
        for number, pair in enumerate(missing):
            self.train(pair, len(missing) - number - 1)
        return listed(self.folder)

    def train(self, pair: Pair, rest: int) -> None:
        """Train one generator to its end and enter it; ``rest`` others follow."""
        network, recipe = self.beginning(pair)
        unfinished = self.folder / f"{pair.name}.run"
        reader = self.classifier(pair.target)
        other = self.classifier(pair.auxiliary) if pair.auxiliary != NONE else None
        training = GeneratorTraining(self.data, reader, other, recipe, unfinished, network)
        if training.step:
            self.say(f"{pair.name}: going on at step {training.step} of {training.total}")
        said = 0.0

        def progress(done: int, total: int, left: float) -> None:
            nonlocal said
            if time.monotonic() - said >= SAID_EVERY or done == total:
                said = time.monotonic()
                self.say(f"{pair.name}: {done}/{total}, about {left:.0f} s left, then {rest} more generators")

        made = training.run(progress)
        save_half(made.state_dict(), self.weights(pair.name))
        facts = {"task": "visual", "role": "generator", "architecture": "unet", "target": pair.target, "quality": {}}
        facts |= {"auxiliary": other.name if other else "", "source": self.source}
        enter(self.folder, pair.name, facts, self.data.classes)
        unfinished.unlink(missing_ok=True)

    def beginning(self, pair: Pair) -> tuple[UNet | None, Recipe]:
        """Return the network that a generator starts from (None: at random), and the generator's recipe."""
        if self.start and self.start.is_dir():
            network, recipe = network_of(self.start / f"{pair.name}.safetensors", pair.name), self.recipe
        elif pair.first:
            network = network_of(self.weights(pair.first), pair.first)
            recipe = replace(self.recipe, epochs=self.further_epochs, rate=self.recipe.rate * FURTHER_RATE)
        elif self.start:
            network, recipe = faint(network_of(self.start, self.start.name)), self.recipe
        else:
            return None, self.recipe
        return network, replace(recipe, start=marked(network))

    def weights(self, name: str) -> Path:
        """Return the path of a finished generator's weights."""
        return self.folder / f"{name}.safetensors"

    def classifier(self, name: str) -> Classifier:
        """Load one of the networks on the device of the images."""
        return load_classifier(next(network for network in self.networks if network.name == name), self.data.images.device)


@torch.no_grad()
def faint(network: UNet) -> UNet:
    """Change a generator so that it draws at ``FAINT`` of its strength, and return it."""
    network.exit.weight *= FAINT
    if network.exit.bias is not None:
        network.exit.bias *= FAINT
    return network
