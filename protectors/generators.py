"""Generators of protective perturbations: the embedded one, and those that services distribute, checked and kept.

A service hands out two files: weights as safetensors, and a manifest beside them, JSON as ``cloakroom train visual`` writes
it. Nothing of them is used before the weights have the manifest's SHA-256 and fit the network of a generator.
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
    """Where imported generators lie, in the folder of pulled models."""
    return models / "generators"


def imported(models: Path | None) -> tuple[Entry, ...]:
    """The generators that were imported, by name."""
    found = sorted(store(models).glob("[a-z]*.json")) if models else []
    return tuple(own for path in found if (own := _kept(path)) is not None)


def _kept(path: Path) -> Entry | None:
    """What was imported; None where it was damaged since, as one bad file must not keep all photos from being cloaked."""
    try:
        own = described(read_manifest(path), path.parent)
    except GeneratorError:
        return None
    return own if own.name == path.stem else None


def described(item: dict[str, Any], folder: Path) -> Entry:
    """The entry of a generator whose manifest says ``item``, which was checked."""
    return parsed({**item, "task": "visual", "role": "generator", "architecture": "unet", "set": "imported"}, folder)


def take_in(manifest: Path, models: Path) -> Entry:
    """Check a generator and keep it; one of the same name is replaced.

    Raises:
        GeneratorError: it is not what its manifest says, or no generator.
    """
    item = read_manifest(manifest)
    own = described(item, manifest.parent)
    load(own)
    folder = store(models)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = folder / f".{secrets.token_hex(4)}"
    shutil.copyfile(manifest.parent / item["file"], unfinished)
    if sha256_of(unfinished) != own.sha256:
        unfinished.unlink()
        raise GeneratorError("The weights changed while they were copied. Try again.")
    unfinished.replace(folder / f"{own.name}.safetensors")
    content = json.dumps({**item, "file": f"{own.name}.safetensors"}, indent=1)
    unfinished.write_text(content, encoding="utf-8")
    unfinished.replace(folder / f"{own.name}.json")
    return own


def remove(name: str, models: Path) -> bool:
    """Forget an imported generator; whether there was one."""
    found = any(own.name == name for own in imported(models))
    for suffix in (".json", ".safetensors"):
        if found:
            (store(models) / f"{name}{suffix}").unlink(missing_ok=True)
    return found


def load(own: Entry, device: "torch.device | str" = "cpu") -> "PerturbationGenerator":
    """The generator, after its hash.

    Raises:
        GeneratorError: the weights are missing, are not those of the manifest, or do not fit.
    """
    # Imported here, so that who only lists them stays light.
    from protectors.visual import PerturbationGenerator

    if own.file is None or not own.file.is_file():
        raise GeneratorError(f"The weights of {own.name} are not beside its manifest.")
    if own.file.stat().st_size != own.bytes:
        raise GeneratorError(f"The weights of {own.name} are not those of the manifest (their size differs). Fetch both again.")
    if sha256_of(own.file) != own.sha256:
        raise GeneratorError(f"The weights of {own.name} are not those of the manifest (SHA-256 differs). Fetch both again.")
    return PerturbationGenerator(own.name, network_of(own.file, own.name).to(device), own.input_size)


def network_of(weights: Path, name: str) -> "UNet":
    """The network of a generator by its weights alone, whoever they are from.

    Raises:
        GeneratorError: they cannot be read, do not fit, or are not all numbers.
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
