"""Tests that parts are measured once for the same code, weights, photos and size, and that unreadable kept parts do no harm."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from protectors.evaluation import measurement as module
from protectors.evaluation.measurement import ROOM, Figures, Measurement, sources
from protectors.manifest import TRAINED, entry

Begin = Callable[..., Measurement]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "photos.npz").write_bytes(b"photos")
    return tmp_path / "data"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def begin(tmp_path: Path, data: Path, said: list[str]) -> Begin:
    def begin(name: str = "scene", quick: bool = True, **more: Any) -> Measurement:
        return Measurement(name, quick, data, said.append, tmp_path / "kept" / "parts.json", tmp_path / "strips", **more)

    return begin


def counted(figures: Figures) -> tuple[Callable[[], Figures], list[None]]:
    """A function to measure, and how often it was called."""
    times: list[None] = []

    def measure() -> Figures:
        times.append(None)
        return figures

    return measure, times


def test_a_finished_part_is_not_measured_again(begin: Begin, said: list[str]) -> None:
    first, first_times = counted({"a": 0.25, "images": 6})
    second, second_times = counted({"b": float("nan")})
    begin().part("first", first)
    resumed = begin()
    assert resumed.part("first", first) == {"a": 0.25, "images": 6}
    resumed.part("second", second)
    assert len(first_times) == len(second_times) == 1
    assert list(resumed.figures) == ["a", "images", "b"]
    assert isinstance(resumed.figures["images"], int)
    assert "first is kept" in "\n".join(said)


def test_a_part_that_fails_keeps_those_before_it(begin: Begin) -> None:
    first, first_times = counted({"a": 1.0})

    def fail() -> Figures:
        raise KeyboardInterrupt

    stopped = begin()
    stopped.part("first", first)
    with pytest.raises(KeyboardInterrupt):
        stopped.part("second", fail)
    begin().part("first", first)
    assert len(first_times) == 1


@pytest.mark.parametrize(
    "other",
    [{"quick": False}, {"name": "search"}, {"device": "cuda"}, {"adversary": "people_detector"}],
    ids=lambda other: next(iter(other)),
)
def test_another_run_measures_anew(begin: Begin, other: dict[str, Any]) -> None:
    measure, times = counted({"a": 1.0})
    begin().part("first", measure)
    begin(**other).part("first", measure)
    assert len(times) == 2


def test_other_photos_or_pulled_weights_are_measured_anew(begin: Begin, data: Path, tmp_path: Path) -> None:
    measure, times = counted({"a": 1.0})
    models = tmp_path / "models"
    models.mkdir()
    begin(models=models).part("first", measure)
    (models / "resnet50.sha256").write_text("00" * 32)
    begin(models=models).part("first", measure)
    (models / "resnet50.sha256").write_text("11" * 32)
    begin(models=models).part("first", measure)
    (data / "photos.npz").write_bytes(b"more photos")
    begin(models=models).part("first", measure)
    assert len(times) == 4
    begin(models=models).part("first", measure)
    assert len(times) == 4


def test_models_trained_since_are_measured_anew(begin: Begin, tmp_path: Path) -> None:
    measure, times = counted({"a": 1.0})
    models = tmp_path / "models"
    (models / TRAINED).mkdir(parents=True)
    item = asdict(entry("scenes"))
    for digest, task, expected in (("0", "scene", 1), ("1", "scene", 2), ("2", "objects", 3), ("3", "objects", 3)):
        trained = {**item, "name": "mine", "set": "trained", "file": "mine.safetensors", "sha256": 64 * digest, "task": task}
        (models / TRAINED / "manifest.json").write_text(json.dumps({"models": [trained]}))
        begin(models=models).part("first", measure)
        assert len(times) == expected, "another evaluation's models do not count"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"fingerprint": 1}', "null"])
def test_a_damaged_file_is_said_and_replaced(begin: Begin, tmp_path: Path, said: list[str], content: str) -> None:
    measure, times = counted({"a": 1.0})
    kept = tmp_path / "kept" / "parts.json"
    kept.parent.mkdir()
    kept.write_text(content)
    begin().part("first", measure)
    assert begin().part("first", measure) == {"a": 1.0}
    assert len(times) == 1
    if content != '{"fingerprint": 1}':  # which is only another run's
        assert "cannot be read" in said[0]


def test_parts_that_are_damaged_are_measured_anew(begin: Begin, tmp_path: Path, said: list[str]) -> None:
    measure, times = counted({"a": 1.0})
    begin().part("first", measure)
    kept = tmp_path / "kept" / "parts.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "parts": {"first": 3}}))
    begin().part("first", measure)
    assert len(times) == 2
    assert "cannot be read" in "\n".join(said)


def test_the_fingerprint_follows_the_imports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, begin: Begin) -> None:
    room = tmp_path / "protectors"
    (room / "evaluation").mkdir(parents=True)
    (room / "evaluation" / "scene.py").write_text(
        "from protectors.evaluation import reading\nfrom protectors.scene import aim\n"
    )
    for name in ("scene.py", "unrelated.py", "evaluation/reading.py"):
        (room / name).write_text("x = 1\n")
    monkeypatch.setattr(module, "ROOM", room)
    measure, times = counted({"a": 1.0})
    expected = 0
    for changed, anew in (("scene.py", 1), ("unrelated.py", 0), ("evaluation/reading.py", 1), ("evaluation/scene.py", 1)):
        begin().part("first", measure)
        expected = expected or len(times)
        path = room / changed
        path.write_text(path.read_text() + "y = 2\n")
        begin().part("first", measure)
        expected += anew
        assert len(times) == expected, changed


def test_sources_are_what_a_module_is_made_of() -> None:
    found = {str(path.relative_to(ROOM)) for path in sources(ROOM / "evaluation" / "search.py")}
    assert {"evaluation/search.py", "evaluation/retrieval.py", "search.py", "adversaries/hash_encoder.py"} <= found
    assert "scene.py" not in found
    assert not {"evaluation/measurement.py", "evaluation/report.py", "evaluation/published.py"} & found


def test_progress_says_how_long_it_takes(begin: Begin, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    measurement = begin()

    def measure() -> Figures:
        measurement.progress(1, 3)  # too early to be of use
        monkeypatch.setattr(module, "EVERY", 0.0)
        measurement.progress(2, 3)
        return {}

    measurement.part("first", measure)
    assert [line for line in said if "/3" in line] == [line for line in said if "scene: first 2/3, about 0 s left" in line]
    assert len(said) == 2


def test_strips_lie_side_by_side_until_another_run(begin: Begin, tmp_path: Path) -> None:
    dark, light = (np.full((8, 6, 3), level, np.uint8) for level in (0, 255))
    measurement = begin()
    measurement.part("first", lambda: {"a": 1.0})
    measurement.strip("before-after", [dark, light])
    path = tmp_path / "strips" / "before-after.png"
    with Image.open(path) as image:
        assert image.size == (12, 8)
        assert (image.getpixel((5, 0)), image.getpixel((6, 0))) == ((0, 0, 0), (255, 255, 255))
    begin()
    assert path.exists(), "a resumed run goes on showing it"
    begin(quick=False)
    assert not path.exists(), "it is not what the other run measures"


def test_without_a_folder_nothing_is_written(data: Path, tmp_path: Path) -> None:
    measurement = Measurement("scene", True, data, lambda line: None)
    measurement.strip("strip", [np.zeros((2, 2, 3), np.uint8)])
    assert measurement.part("first", lambda: {"a": 1.0}) == measurement.figures == {"a": 1.0}
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
