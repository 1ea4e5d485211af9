"""One evaluation while it runs: its figures part by part, the parts an earlier run finished, progress, and strips of photos."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from protectors.manifest import entries

SEED = 0
"""Of every evaluation."""

SOURCES = Path(__file__).resolve().parents[1]
EVERY = 15.0
"""Seconds between two lines of progress."""

Figures = dict[str, float]


class Measurement:
    """Collects ``figures``. Parts that are in ``kept``, a JSON file of an earlier run of the same code, weights and size, are
    taken from there; each new one is written to it as soon as it is finished, so that a run that ended early goes on.

    ``strips`` is the folder for the before-and-after images that the report shows; None makes none.
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
    ) -> None:
        self.name = name
        self.quick = quick
        self.data = data
        self.say = say
        self.device = device
        self.figures: Figures = {}
        self.strips = strips
        self._kept = kept
        self._mark = fingerprint(name, quick, device)
        self._parts: dict[str, Figures] = {}
        if kept and kept.is_file():
            content = json.loads(kept.read_text(encoding="utf-8"))
            if content["fingerprint"] == self._mark:
                self._parts = content["parts"]
        self._part = name
        self._begun = self._said = time.monotonic()

    def part(self, name: str, measure: Callable[[], Figures]) -> Figures:
        """The figures of one part, measured now unless an earlier run has them."""
        if name in self._parts:
            self.say(f"{self.name}: {name} is kept from an earlier run")
        else:
            self._part = name
            self._begun = self._said = time.monotonic()
            self._parts[name] = measure()
            if self._kept:
                self._kept.parent.mkdir(parents=True, exist_ok=True)
                unfinished = self._kept.with_suffix(".new")
                unfinished.write_text(json.dumps({"fingerprint": self._mark, "parts": self._parts}), encoding="utf-8")
                unfinished.replace(self._kept)
            self.say(f"{self.name}: {name} measured in {time.monotonic() - self._begun:.0f} s")
        self.figures |= self._parts[name]
        return self._parts[name]

    def progress(self, done: int, total: int) -> None:
        """Say how far the current part is and how long it still takes; not more often than is of use."""
        now = time.monotonic()
        if now - self._said >= EVERY and done:
            self._said = now
            left = (now - self._begun) * (total - done) / done
            self.say(f"{self.name}: {self._part} {done}/{total}, about {left:.0f} s left")

    def strip(self, name: str, photos: Sequence[NDArray[np.uint8]]) -> None:
        """Keep photos uint8 [H, W, 3] of one height side by side as ``name``.png for the report."""
        if self.strips:
            self.strips.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.concatenate(photos, 1)).save(self.strips / f"{name}.png")


def fingerprint(name: str, quick: bool, device: str) -> str:
    """What a part's figures depend on: the code of the methods and of this evaluation, the weights, the size of the run."""
    digest = hashlib.sha256(f"{name} {quick} {device}".encode())
    methods = (path for folder in (".", "adversaries") for path in (SOURCES / folder).glob("*.py"))
    for path in sorted([*methods, SOURCES / "evaluation" / f"{name}.py"]):
        digest.update(path.read_bytes())
    for own in entries():
        digest.update(own.sha256.encode())
    return digest.hexdigest()
