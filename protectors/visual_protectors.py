"""The protectors of protective perturbation, one for each generator: the embedded one, and those that were imported."""

from pathlib import Path

import torch

from protectors.adversaries.loading import load_classifier
from protectors.generators import imported
from protectors.generators import load as load_generator
from protectors.manifest import Entry, entries, entry
from protectors.names import PROTECTORS, VISUAL
from protectors.residency import Residency
from protectors.visual import VisualProtector

EMBEDDED = "unet_vgg13_bn_cifar"

AUXILIARY = "resnet18_cifar"
"""Stands for other eyes where a picture is spoilt for people."""

GENERATOR_BYTES = 512 * 1024 * 1024
"""The bytes of generators that stay loaded. Services' sites choose them: more are loaded anew when their turn comes."""


class VisualProtectors:
    """Loads a generator's protector when it is asked for, and keeps it as long as there is room.

    Args:
        device: where the networks go.
        folder: the folder of pulled models, which holds the imported generators.
    """

    def __init__(self, device: torch.device, folder: Path | None) -> None:
        self._device = device
        self._folder = folder
        self._kept: Residency[VisualProtector] = Residency(GENERATOR_BYTES)
        """By the hash of the generator's weights."""

    @property
    def imported(self) -> tuple[str, ...]:
        """The names of the protectors of imported generators."""
        return tuple(f"{VISUAL}-{generator.name}" for generator in imported(self._folder))

    def get(self, name: str) -> VisualProtector:
        """Return the protector of a name.

        Raises:
            ValueError: no generator of that name was imported.
        """
        generator: Entry | None = entry(EMBEDDED)
        if name != VISUAL:
            generator = next((candidate for candidate in imported(self._folder) if f"{VISUAL}-{candidate.name}" == name), None)
        if generator is None:
            known = (*PROTECTORS, *self.imported)
            raise ValueError(f"no generator {name!r} was imported; there are {', '.join(known)}")
        return self._kept.get(generator.sha256, generator.bytes, lambda: self._loaded(generator))

    def _loaded(self, generator: Entry) -> VisualProtector:
        auxiliary = load_classifier(entry(AUXILIARY), self._device)
        # A service's manifest may name what it likes; only a reader that is embedded is taken at its word.
        readers = [
            model
            for model in entries()
            if model.task == VISUAL and model.role != "generator" and model.name == generator.target
        ]
        target = load_classifier(readers[0], self._device) if readers else None
        return VisualProtector(load_generator(generator, self._device), auxiliary, target)
