"""The list of all models: what each is, where its weights are, and its measured quality.

Nothing here imports torch, so that light processes can read the list.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).resolve().parent / "models"
"""The folder of the embedded weights."""

ModelSet = Literal["embedded", "pretrained", "full"]
"""The sets that photos are cloaked against."""

TRAINED = "trained"
"""The subfolder of pulled models in which ``cloakroom train grid`` keeps its own."""

PAIRS = "pairs"
"""The subfolder of pulled models in which ``cloakroom train pairs`` keeps the generators for real networks."""


@dataclass(frozen=True)
class Package:
    """One version of a registry package that carries a model's files."""

    registry: Literal["pypi", "npm"]
    name: str
    version: str
    bytes: int
    """Size of the downloaded archive."""

    files: dict[str, str]
    """The SHA-256 of each file, by its path in the archive; the first file is the network itself."""

    def __str__(self) -> str:
        return f"{self.registry} {self.name} {self.version}"


@dataclass(frozen=True)
class Entry:
    """One model. ``embedded`` ones have a ``file`` in FOLDER; ``full`` ones are pulled from a ``url``, and ``pretrained`` ones
    from a ``package``; ``imported`` ones (see ``generators``) come from a service; ``trained`` ones were trained by the user;
    ``data`` ones lie among the public data."""

    name: str
    task: Literal["objects", "search", "scene", "visual", "cloak"]
    role: Literal["adversary", "surrogate", "judge", "target", "auxiliary", "generator"]
    architecture: str
    set: Literal["embedded", "pretrained", "full", "imported", "trained", "data"]
    sha256: str
    """Hash of the embedded file, or of the fetched file before conversion."""
    bytes: int
    licence: str
    source: str
    input_size: int
    """Longest side (detectors) or side (classifiers, encoders) of the network's input, in pixels."""
    classes: tuple[str, ...] = ()
    """Class names by label; empty if the architecture defines them."""
    file: Path | None = None
    url: str | None = None
    package: Package | None = None
    quality: dict[str, float] = field(default_factory=dict)
    threshold: float = 0.3
    """Least score at which a detector's finding counts. 0.3 is the paper's, for Faster R-CNN; other detectors' scores are on
    other scales."""

    target: str = ""
    """Name of the model that still reads a generator's pictures; empty for other models."""

    auxiliary: str = ""
    """Name of the auxiliary model that a generator was trained to blind; empty for other models."""

    @property
    def is_general(self) -> bool:
        """Whether a pulled network reads things of many kinds, as those do whose architecture defines their classes."""
        return not self.classes

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a person may use: the manifest's and, for torchvision's weights, torchvision's."""
        publisher, _, weights = self.source.partition(", ")
        if publisher != "torchvision":
            return (self.name,)
        # torchvision names its weight enumerations after the functions that build the models, but with upper case.
        return (self.name, f"torchvision:{weights.partition('_Weights.')[0].lower()}")


class DamagedWeightsError(Exception):
    """A weights file is not what the manifest says."""


@cache
def entries() -> tuple[Entry, ...]:
    """Return all models, embedded ones first."""
    return listed(FOLDER)


def listed(folder: Path) -> tuple[Entry, ...]:
    """Return the models of the manifest in a folder; none if it has no manifest. DamagedWeightsError: it cannot be parsed."""
    path = folder / "manifest.json"
    if not path.is_file():
        return ()
    try:
        items: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["models"]
        return tuple(parsed(item, folder) for item in items)
    except (ValueError, KeyError, TypeError):
        raise DamagedWeightsError(f"the list of models {path} is damaged: make them anew") from None


def parsed(item: dict[str, Any], folder: Path = FOLDER) -> Entry:
    """Return the model that an item of a manifest describes; its ``file`` is relative to ``folder``."""
    file = folder / item["file"] if item.get("file") else None
    package = Package(**item["package"]) if item.get("package") else None
    return Entry(**{**item, "classes": tuple(item.get("classes", ())), "file": file, "package": package})


def entry(name: str) -> Entry:
    """Return the model of a name; KeyError lists the existing names."""
    for candidate in entries():
        if candidate.name == name:
            return candidate
    raise KeyError(f"no model is called {name!r}; there are {', '.join(model.name for model in entries())}")


def resolve(name: str, task: str | None = None) -> Entry:
    """Return the model that a person means: ``people_detector``, or ``torchvision:resnet50`` for an official checkpoint.

    Raises:
        ValueError: no model of that name is for ``task``; the text lists those that are.
    """
    fitting = [model for model in entries() if task in (None, model.task)]
    for model in fitting:
        if name in model.names:
            return model
    known = ", ".join(called for model in fitting for called in model.names)
    raise ValueError(f"there is no model {name!r}{f' for {task}' if task else ''}; there are {known}")


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def weights_file(model: Entry, folder: Path | None) -> Path | None:
    """Return the path of a model's safetensors: beside the manifest, or in ``folder`` once pulled; None if not pulled yet."""
    if model.file is not None:
        return model.file
    pulled = folder / f"{model.name}.safetensors" if folder else None
    return pulled if pulled and pulled.is_file() else None


def model_set(folder: Path | None) -> ModelSet:
    """Return the set that photos are cloaked against, given a folder of pulled models: the first of ``pretrained`` and ``full``
    with both a detector of many kinds and a classifier in the folder, else ``embedded``."""
    sets: tuple[ModelSet, ...] = ("pretrained", "full")
    for name in sets:
        here = {
            model.task
            for model in entries()
            if model.set == name and model.role == "adversary" and model.is_general and weights_file(model, folder)
        }
        if {"objects", "scene"} <= here:
            return name
    return "embedded"


def hash_file(weights: Path) -> Path:
    """Return the file that holds the SHA-256 of pulled weights after their checked conversion."""
    return weights.with_suffix(".sha256")


def is_right(model: Entry, weights: Path) -> bool:
    """Return whether weights have the right hash: the manifest's or, for pulled ones, the one noted after conversion."""
    expected = model.sha256
    if model.file is None:
        try:
            expected = hash_file(weights).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return False
    return sha256_of(weights) == expected
