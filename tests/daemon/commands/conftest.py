"""A checkout and an evaluation for the tests of `cloakroom evaluate`: the measuring is played by stand-ins."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from daemon.commands import evaluating
from protectors.evaluation import scene
from protectors.evaluation.measurement import Figures, Measurement


@dataclass
class Evaluation:
    """A stand-in of two parts; ``fails`` is raised by the second."""

    fails: BaseException | None = None
    measured: list[str] = field(default_factory=list)
    runs: list[Measurement] = field(default_factory=list)

    def run(self, measurement: Measurement) -> None:
        self.runs.append(measurement)
        measurement.part("first", lambda: self.part("first", {"p_fgsm.images": 30, "p_fgsm.psnr": 40.5}))
        measurement.part("second", lambda: self.part("second", {"p_fgsm.fooled": 0.125}))

    def part(self, name: str, figures: Figures) -> Figures:
        if name == "second" and self.fails:
            raise self.fails
        self.measured.append(name)
        return figures


@dataclass(frozen=True)
class Checkout:
    """Where a run may write."""

    root: Path

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def readme(self) -> Path:
        return self.root / "README.md"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def state(self) -> Path:
        return self.root / "state"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    own = Checkout(tmp_path)
    own.results.mkdir()
    monkeypatch.setattr(evaluating, "RESULTS", own.results)
    monkeypatch.setattr(evaluating, "TEXTS", (own.readme,))
    monkeypatch.setattr(evaluating, "GLANCE", own.root / "glance.md")
    monkeypatch.setattr(evaluating, "OTHER_RESULTS", ())
    monkeypatch.setattr(evaluating, "cache_folder", lambda: own.cache)
    monkeypatch.setattr(evaluating, "end_on_sigterm", lambda: None)
    monkeypatch.setenv("CLOAKROOM_STATE", str(own.state))
    return own


@pytest.fixture
def evaluation(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    """Scenes' evaluation, as a stand-in."""
    own = Evaluation()
    monkeypatch.setattr(scene, "run", own.run)
    return own


Said = Callable[[], tuple[str, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """What the last command printed and complained of."""

    def read() -> tuple[str, str]:
        told = capsys.readouterr()
        return told.out, told.err

    return read


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str) -> Evaluation:
    own = Evaluation()
    module = ModuleType(name)
    module.run = own.run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, f"protectors.evaluation.{name}", module)
    return own
