"""The protectors of protective perturbation, one for each generator, embedded or imported."""

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
"""The auxiliary model, which stands for other viewers."""

GENERATOR_BYTES = 512 * 1024 * 1024
"""Bytes of generators that stay loaded. Sites choose generators, so beyond this limit they are reloaded when needed."""


class VisualProtectors:
    """Loads the protector of a generator on demand, and keeps it loaded as long as there is room.

    Args:
        device: the device of the networks.
        folder: the folder of pulled models, which holds the imported generators.
    """

    def __init__(self, device: torch.device, folder: Path | None) -> None:
        self._device = device
        self._folder = folder
        self._kept: Residency[VisualProtector] = Residency(GENERATOR_BYTES)
        """Loaded protectors by the hash of the generator's weights."""

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
        # A service's manifest is untrusted, so a target counts only if it is embedded.
        readers = [model for model in entries() if model.task == VISUAL and model.role != "generator"]
        reader = next((model for model in readers if model.name == generator.target), None)
        target = load_classifier(reader, self._device) if reader else None
        return VisualProtector(load_generator(generator, self._device), auxiliary, target)
