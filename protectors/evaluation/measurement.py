"""The state of a running evaluation: its figures by part, parts kept from earlier runs, progress, and strips of photos."""

import ast
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from protectors.manifest import PAIRS, TRAINED, entries, listed
from protectors.saving import Pixels

SEED = 0
"""The seed of every evaluation."""

ROOM = Path(__file__).resolve().parents[1]
EVERY = 15.0
"""Seconds between two lines of progress."""

Figures = dict[str, float]


class Measurement:
    """Collects ``figures``. Parts in ``kept``, a JSON file of an earlier run with the same fingerprint, are reused. Each new
    part is written there once it is finished, so that an interrupted run can resume.

    Args:
        name: the name of the evaluation, and of its module in this package.
        quick: whether to use few photos.
        data: the folder of the archives.
        say: receives each line of progress.
        kept: the file that keeps parts; None keeps none.
        strips: the folder for the report's before-and-after images; None makes none.
        device: the device of torch, "cpu" or "cuda".
        adversary: the model to protect against, as the manifest resolves it; None means the embedded one.
        models: the folder of pulled and trained models.
        real: whether to use networks that others trained, instead of those trained here.
        photos: a folder of further photos, for evaluations of photos at their native size.
    """

    def __init__(
        self,
        name: str,
        quick: bool,
        data: Path,
        say: Callable[[str], None],
        kept: Path | None = None,
        strips: Path | None = None,
        device: str = "cpu",
        *,
        adversary: str | None = None,
        models: Path | None = None,
        real: bool = False,
        photos: Path | None = None,
    ) -> None:
        self.name = name
        self.quick = quick
        self.data = data
        self.say = say
        self.device = device
        self.adversary = adversary
        self.models = models
        self.real = real
        self.photos = photos
        self.figures: Figures = {}
        self.strips = strips
        self._kept = kept
        self._fingerprint = fingerprint(name, quick, device, data, adversary, models, photos)
        self._parts = self._kept_parts()
        if strips and not self._parts:
            # Images of an older run do not belong to this one.
            for old in strips.glob("*.png"):
                old.unlink()
        self._part = name
        self._begun = self._said = time.monotonic()

    def _kept_parts(self) -> dict[str, Figures]:
        """Return the parts that an earlier run with this fingerprint measured; none if its file is damaged."""
        if self._kept is None or not self._kept.is_file():
            return {}
        try:
            content = json.loads(self._kept.read_text(encoding="utf-8"))
            if content["fingerprint"] != self._fingerprint:
                return {}
            return {part: dict(figures) for part, figures in content["parts"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            self.say(f"{self.name}: what an earlier run kept cannot be read; everything is measured anew")
            return {}

    def part(self, name: str, measure: Callable[[], Figures]) -> Figures:
        """Return the figures of one part, which is measured unless it was kept."""
        if name in self._parts:
            self.say(f"{self.name}: {name} is kept from an earlier run")
        else:
            self._part = name
            self._begun = self._said = time.monotonic()
            self._parts[name] = measure()
            if self._kept:
                self._kept.parent.mkdir(parents=True, exist_ok=True)
                unfinished = self._kept.with_suffix(".new")
                unfinished.write_text(json.dumps({"fingerprint": self._fingerprint, "parts": self._parts}), encoding="utf-8")
                unfinished.replace(self._kept)
            self.say(f"{self.name}: {name} measured in {time.monotonic() - self._begun:.0f} s")
        self.figures |= self._parts[name]
        return self._parts[name]

    def progress(self, done: int, total: int) -> None:
        """Say the current part's progress and remaining time, at most every ``EVERY`` seconds."""
        now = time.monotonic()
        if now - self._said >= EVERY and done:
            self._said = now
            left = (now - self._begun) * (total - done) / done
            self.say(f"{self.name}: {self._part} {done}/{total}, about {left:.0f} s left")

    def scratch(self, name: str) -> Path:
        """Return a folder for files that processes share during the run, beside the kept parts if there are any."""
        folder = (self._kept.parent if self._kept else Path(tempfile.gettempdir())) / f"{self.name}-{name}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def strip(self, name: str, photos: Sequence[Pixels]) -> None:
        """Keep photos uint8 [H, W, 3] of one height side by side as ``name``.png for the report."""
        if self.strips:
            self.strips.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.concatenate(photos, 1)).save(self.strips / f"{name}.png")


def fingerprint(
    name: str,
    quick: bool,
    device: str,
    data: Path,
    adversary: str | None,
    models: Path | None,
    photos: Path | None = None,
) -> str:
    """Return a hash of all that a part's figures depend on: code, weights, photos, and the size of the run."""
    digest = hashlib.sha256(f"{name} {quick} {device} {adversary}".encode())
    for source in sorted(sources(ROOM / "evaluation" / f"{name}.py")):
        digest.update(source.read_bytes())
    for model in (*entries(), *(model for folder in (TRAINED, PAIRS) if models for model in listed(models / folder))):
        if model.task == name:
            digest.update(f"{model.name} {model.sha256}".encode())
    # The store keeps each pulled model's hash. Archives enter by their size, since hashing all photos would take too long.
    for pulled in sorted(models.glob("*.sha256")) if models else ():
        digest.update(f"{pulled.name} {pulled.read_text(encoding='utf-8')}".encode())
    for file in (*sorted(data.glob("*.npz")), *(sorted(photos.iterdir()) if photos and photos.is_dir() else ())):
        digest.update(f"{file.name} {file.stat().st_size}".encode())
    return digest.hexdigest()


def sources(module: Path) -> set[Path]:
    """Return the files of this package that a module imports, itself included, but not this one, which measures nothing."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = waiting.pop()
        if path in found or path == Path(__file__).resolve() or not path.is_file():
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == ROOM.name:
                folder = ROOM.parent.joinpath(*node.module.split("."))
                waiting += [folder.with_suffix(".py"), *(folder / f"{name.name}.py" for name in node.names)]
    return found
