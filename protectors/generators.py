"""Generators of protective perturbations: the embedded one, and those that services distribute, checked and kept.

A service hands out two files: weights as safetensors, and a manifest beside them, JSON as ``cloakroom train visual`` writes
it. Nothing of them is used before the weights have the manifest's SHA-256 and fit the network of a generator.
"""

import json
import re
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protectors.manifest import Entry, parsed, sha256_of

if TYPE_CHECKING:
    import torch

    from protectors.unet import UNet
    from protectors.visual import PerturbationGenerator

NAME = re.compile(r"[a-z][a-z0-9_-]{0,23}")
"""So that ``visual-NAME`` is a name in the protocol."""

SIDES = range(16, 1025)
"""Input sizes that are taken: below nothing is left to read, above a drawing takes gigabytes."""

LARGEST_MANIFEST = 64 * 1024
LARGEST_WEIGHTS = 256 * 1024 * 1024
FIELDS = {"name", "file", "sha256", "bytes", "input_size", "classes", "licence", "source", "target", "auxiliary", "quality"}


class GeneratorError(Exception):
    """A generator cannot be taken in; the text says why and what to do."""


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
        item = json.loads(path.read_text(encoding="utf-8"))
        own = described(item, path.parent) if isinstance(item, dict) else None
    except (OSError, ValueError, RecursionError, GeneratorError):
        return None
    return own if own and own.name == path.stem else None


def described(item: dict[str, Any], folder: Path) -> Entry:
    """The entry of a generator whose manifest says ``item``.

    Raises:
        GeneratorError: something is missing, unknown or not what it should be.
    """
    missing, unknown = FIELDS - {"quality", "auxiliary"} - item.keys(), item.keys() - FIELDS
    if missing or unknown:
        raise GeneratorError(f"The manifest is not of a generator: {'lacks' if missing else 'has'} {min(missing or unknown)}.")
    name, file, side = item["name"], item["file"], item["input_size"]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise GeneratorError("The generator's name may have up to 24 of a-z, 0-9, - and _, and begins with a letter.")
    if not isinstance(file, str) or Path(file).name != file or not file.endswith(".safetensors"):
        raise GeneratorError("The manifest's file has to be a safetensors file beside it, without folders in its name.")
    if not isinstance(side, int) or side not in SIDES:
        raise GeneratorError(f"The generator's input size has to lie between {SIDES[0]} and {SIDES[-1]} pixels.")
    classes = item["classes"]
    if not isinstance(classes, list) or not all(isinstance(label, str) and len(label) <= 64 for label in classes):
        raise GeneratorError("The manifest's classes have to be a list of short names.")
    texts = [item[field] for field in ("sha256", "licence", "source", "target")] + [item.get("auxiliary", "")]
    if not all(isinstance(text, str) for text in texts) or not isinstance(item["bytes"], int):
        raise GeneratorError("The manifest has a field of the wrong kind. Ask the service for a new one.")
    return parsed({**item, "task": "visual", "role": "generator", "architecture": "unet", "set": "imported"}, folder)


def take_in(manifest: Path, models: Path) -> Entry:
    """Check a generator and keep it; one of the same name is replaced.

    Raises:
        GeneratorError: it is not what its manifest says, or no generator.
    """
    try:
        if manifest.stat().st_size > LARGEST_MANIFEST:
            raise GeneratorError("That is no manifest: it is too large.")
        if not manifest.is_file():
            raise GeneratorError(f"{manifest} is no file, and cannot be read.")
        item = json.loads(manifest.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GeneratorError(f"{manifest} cannot be read: there is no such file.") from None
    except RecursionError:
        raise GeneratorError(f"{manifest} is no manifest: it is nested too deeply.") from None
    except OSError as problem:
        raise GeneratorError(f"{manifest} cannot be read ({problem.strerror}).") from None
    except ValueError:
        raise GeneratorError(f"{manifest} is not JSON. Give the generator's manifest, not its weights.") from None
    if not isinstance(item, dict):
        raise GeneratorError("The manifest is not of a generator.")
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
    if own.file.stat().st_size > LARGEST_WEIGHTS:
        raise GeneratorError(f"The weights of {own.name} are larger than any generator's.")
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

    from protectors.unet import UNet
    from protectors.weights import read_float

    network = UNet()
    try:
        network.load_state_dict(read_float(weights))
    except (OSError, SafetensorError, RuntimeError):
        raise GeneratorError(f"The weights of {name} do not fit the network of a generator.") from None
    if not all(torch.isfinite(value).all() for value in network.state_dict().values()):
        raise GeneratorError(f"The weights of {name} are not all numbers. Ask the service for new ones.")
    return network
