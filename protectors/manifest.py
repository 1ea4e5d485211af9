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


@dataclass(frozen=True)
class Entry:
    """One model. Embedded ones have a ``file`` in FOLDER; full ones a ``url``, fetched when a person asks."""

    name: str
    task: Literal["objects", "search", "scene"]
    role: Literal["adversary", "judge"]
    architecture: str
    set: Literal["embedded", "full"]
    sha256: str
    """Of the embedded file, or of the file behind ``url`` before it is converted."""
    bytes: int
    licence: str
    source: str
    input_size: int
    """Longest side (detectors) or side (classifiers, encoders) of the network's own input, in pixels."""
    classes: tuple[str, ...] = ()
    """Names by label; empty where the architecture brings its own list."""
    file: Path | None = None
    url: str | None = None
    quality: dict[str, float] = field(default_factory=dict)


class DamagedWeightsError(Exception):
    """A weights file is not what the manifest says."""


@cache
def entries() -> tuple[Entry, ...]:
    """All models, embedded ones first."""
    with (FOLDER / "manifest.json").open(encoding="utf-8") as stream:
        listed: list[dict[str, Any]] = json.load(stream)["models"]
    return tuple(parsed(item) for item in listed)


def parsed(item: dict[str, Any]) -> Entry:
    """One model as the manifest's file describes it."""
    file = FOLDER / item["file"] if item.get("file") else None
    return Entry(**{**item, "classes": tuple(item.get("classes", ())), "file": file})


def entry(name: str) -> Entry:
    """The model of that name; KeyError names those there are."""
    for candidate in entries():
        if candidate.name == name:
            return candidate
    raise KeyError(f"no model is called {name!r}; there are {', '.join(own.name for own in entries())}")


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def weights_file(own: Entry, folder: Path | None) -> Path | None:
    """Where this model's safetensors are: beside the manifest, or in ``folder`` once pulled and converted."""
    if own.file is not None:
        return own.file
    pulled = folder / f"{own.name}.safetensors" if folder else None
    return pulled if pulled and pulled.is_file() else None
