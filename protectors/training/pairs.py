"""Trains the generators for every pair of real networks: one is the target, another the auxiliary model, or there is none.

    cloakroom train pairs --output DIR

The networks are the ResNets for CIFAR-10 that others trained (``cifar_resnets``). What is finished is entered into
DIR/manifest.json, which ``cloakroom evaluate visual --real`` reads where DIR is the folder ``pairs`` among the pulled models. A
command that was stopped skips what is finished, and goes on within a generator. Only training images are read.

To be within a processor's reach, a target's second generator does not begin anew: it begins from the first one, which its
target reads already, and learns to blind another auxiliary model.
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
"""Share of its strength at which another target's generator begins to draw. At full strength the new target reads next to
nothing in its pictures, and training is slow; a faint drawing leaves them readable and keeps what the network knows."""

FURTHER_RATE = 0.5
"""Of the learning rate, for a generator that begins from one of the same target."""


@dataclass(frozen=True)
class Pair:
    """One generator to train; ``first`` is the name of the one of the same target that it begins from, or empty."""

    target: str
    auxiliary: str
    first: str = ""

    @property
    def name(self) -> str:
        """What the generator is called."""
        return f"unet_{self.target}_{self.auxiliary}".replace("_cifar", "")


@dataclass
class Pairs:
    """One folder of generators. ``start`` is a generator's weights that each target's first one, and the one without an
    auxiliary model, begins from; chance where it is None. ``further_epochs`` is how long the others are trained.

    Where ``start`` is a folder of an earlier training of pairs, each generator begins from the one of its own name there, and
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
        """Raises OtherRunError: the folder's generators are of another recipe, or the folder to start from has none."""
        if self.start and self.start.is_dir() and not listed(self.start):
            raise OtherRunError(f"{self.start} holds no generators of an earlier training to begin from")
        self.folder.mkdir(parents=True, exist_ok=True)
        others = [model.name for model in listed(self.folder) if model.source != self.source]
        if others:
            raise OtherRunError(f"{self.folder} holds {others[0]} of another recipe: name another folder, or remove it")

    @property
    def source(self) -> str:
        """How all of them are made."""
        if self.start and self.start.is_dir():
            (earlier, *_) = (model.source for model in listed(self.start))
            return f"cloakroom train pairs, {self.recipe}, from those of: {earlier}"
        begun = f", from {self.start.stem} made faint" if self.start else ""
        return f"cloakroom train pairs, {self.recipe}, further epochs {self.further_epochs:g}{begun}"

    @property
    def wanted(self) -> list[Pair]:
        """Every target with every auxiliary model, then every target without one."""
        names = [network.name for network in self.networks]
        made = []
        for target in names:
            first, *others = (name for name in names if name != target)
            made.append(Pair(target, first))
            made += [Pair(target, other, made[-1].name) for other in others]
        return [*made, *(Pair(name, NONE) for name in names)]

    def run(self) -> tuple[Entry, ...]:
        """Train what is not finished; the entries of all generators."""
        finished = {model.name for model in listed(self.folder)}
        missing = [pair for pair in self.wanted if pair.name not in finished]
        self.say(f"{len(self.wanted) - len(missing)} of {len(self.wanted)} generators are there")
        for number, pair in enumerate(missing):
            self.train(pair, len(missing) - number - 1)
        return listed(self.folder)

    def train(self, pair: Pair, rest: int) -> None:
        """Train one generator to its end and enter it; ``rest`` others come after it."""
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
        """The network that a generator begins from, None for chance, and its own recipe."""
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
        """Where a finished generator's weights are."""
        return self.folder / f"{name}.safetensors"

    def classifier(self, name: str) -> Classifier:
        """One of the networks, on the device of the images."""
        return load_classifier(next(network for network in self.networks if network.name == name), self.data.images.device)


@torch.no_grad()
def faint(network: UNet) -> UNet:
    """The same generator, changed so that it draws at a share of its strength."""
    network.exit.weight *= FAINT
    if network.exit.bias is not None:
        network.exit.bias *= FAINT
    return network
