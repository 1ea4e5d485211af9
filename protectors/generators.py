"""Imports, stores and loads generators of protective perturbations: the embedded one, and those that services distribute.

A service hands out two files: weights as safetensors, and a manifest beside them, JSON as ``cloakroom train visual`` writes
it. Neither is used until the weights have the manifest's SHA-256 and fit the network of a generator.
"""

import json
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protectors.generator_manifest import NAME, GeneratorError, read_manifest
from protectors.manifest import Entry, parsed, sha256_of

if TYPE_CHECKING:
    import torch

    from protectors.unet import UNet
    from protectors.visual import PerturbationGenerator
__all__ = ["NAME", "GeneratorError", "described", "imported", "load", "network_of", "remove", "store", "take_in"]


def store(models: Path) -> Path:
    """Return the folder of imported generators, inside the folder of pulled models."""
    return models / "generators"


def imported(models: Path | None) -> tuple[Entry, ...]:
    """Return the imported generators, sorted by name."""
    found = sorted(store(models).glob("[a-z]*.json")) if models else []
    return tuple(generator for path in found if (generator := _kept(path)) is not None)


def _kept(path: Path) -> Entry | None:
    """Return an imported generator, or None if its manifest is damaged: one bad file must not block all photos."""
    try:
        generator = described(read_manifest(path), path.parent)
    except GeneratorError:
        return None
    return generator if generator.name == path.stem else None


def described(item: dict[str, Any], folder: Path) -> Entry:
    """Return the entry of a generator from the checked content of its manifest."""
    return parsed({**item, "task": "visual", "role": "generator", "architecture": "unet", "set": "imported"}, folder)


def take_in(manifest: Path, models: Path) -> Entry:
    """Check a generator and store it, replacing any of the same name.

    Raises:
        GeneratorError: the weights do not match the manifest, or are not a generator's.
    """
    item = read_manifest(manifest)
    generator = described(item, manifest.parent)
    load(generator)
    folder = store(models)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = folder / f".{secrets.token_hex(4)}"
    shutil.copyfile(manifest.parent / item["file"], unfinished)
    if sha256_of(unfinished) != generator.sha256:
        unfinished.unlink()
        raise GeneratorError("The weights changed while they were copied. Try again.")
    unfinished.replace(folder / f"{generator.name}.safetensors")
    content = json.dumps({**item, "file": f"{generator.name}.safetensors"}, indent=1)
    unfinished.write_text(content, encoding="utf-8")
    unfinished.replace(folder / f"{generator.name}.json")
    return generator


def remove(name: str, models: Path) -> bool:
    """Delete an imported generator and return whether it existed."""
    found = any(generator.name == name for generator in imported(models))
    for suffix in (".json", ".safetensors"):
        if found:
            (store(models) / f"{name}{suffix}").unlink(missing_ok=True)
    return found


def load(generator: Entry, device: "torch.device | str" = "cpu") -> "PerturbationGenerator":
    """Load a generator after checking its hash.

    Raises:
        GeneratorError: the weights are missing, do not match the manifest, or do not fit the network.
    """
    # Imported here, so that listing generators does not import torch.
    from protectors.visual import PerturbationGenerator

    if generator.file is None or not generator.file.is_file():
        raise GeneratorError(f"The weights of {generator.name} are not beside its manifest.")
    wrong = f"The weights of {generator.name} are not those of the manifest"
    if generator.file.stat().st_size != generator.bytes:
        raise GeneratorError(f"{wrong} (their size differs). Fetch both again.")
    if sha256_of(generator.file) != generator.sha256:
        raise GeneratorError(f"{wrong} (SHA-256 differs). Fetch both again.")
    return PerturbationGenerator(generator.name, network_of(generator.file, generator.name).to(device), generator.input_size)


def network_of(weights: Path, name: str) -> "UNet":
    """Load a generator's network from untrusted weights.

    Raises:
        GeneratorError: the weights cannot be read, do not fit, or are not all finite.
    """
    import torch
    from safetensors import SafetensorError

    from protectors.safetensors_header import UnexpectedTensorsError, check_header
    from protectors.unet import UNet
    from protectors.weights import read_float

    network = UNet()
    try:
        check_header(weights, {key: value.shape for key, value in network.state_dict().items()})
        network.load_state_dict(read_float(weights))
    except (OSError, SafetensorError, RuntimeError, UnexpectedTensorsError):
        raise GeneratorError(f"The weights of {name} do not fit the network of a generator.") from None
    if not all(torch.isfinite(value).all() for value in network.state_dict().values()):
        raise GeneratorError(f"The weights of {name} are not all numbers. Ask the service for new ones.")
    return network
