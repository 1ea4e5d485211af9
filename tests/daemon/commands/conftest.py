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
    """The folders that a run may write to."""

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
    stand_in_ = Checkout(tmp_path)
    stand_in_.results.mkdir()
    monkeypatch.setattr(evaluating, "RESULTS", stand_in_.results)
    monkeypatch.setattr(evaluating, "TEXTS", (stand_in_.readme,))
    monkeypatch.setattr(evaluating, "GLANCE", stand_in_.root / "glance.md")
    monkeypatch.setattr(evaluating, "OTHER_RESULTS", ())
    monkeypatch.setattr(evaluating, "cache_folder", lambda: stand_in_.cache)
    monkeypatch.setattr(evaluating, "end_on_sigterm", lambda: None)
    monkeypatch.setenv("CLOAKROOM_STATE", str(stand_in_.state))
    return stand_in_


@pytest.fixture
def evaluation(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    """Scenes' evaluation, as a stand-in."""
    stand_in_ = Evaluation()
    monkeypatch.setattr(scene, "run", stand_in_.run)
    return stand_in_


Said = Callable[[], tuple[str, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Return a function that reads what the last command printed and complained of."""

    def read() -> tuple[str, str]:
        told = capsys.readouterr()
        return told.out, told.err

    return read


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str) -> Evaluation:
    stand_in_ = Evaluation()
    module = ModuleType(name)
    module.run = stand_in_.run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, f"protectors.evaluation.{name}", module)
    return stand_in_
