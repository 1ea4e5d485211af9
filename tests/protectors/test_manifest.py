"""Tests the manifest against its files, and the imports that the protectors may use."""

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from protectors import manifest
from protectors.adversaries.loading import available, load_detector, load_two_stage
from protectors.manifest import DamagedWeightsError

ROOM = Path(manifest.__file__).parent
ALLOWED = {"torch", "torchvision", "numpy", "PIL", "safetensors", "protectors"}


def test_a_detector_in_one_stage_reads_photos_and_no_cloak_is_made_against_it() -> None:
    judge, adversary = (manifest.entry(name) for name in ("people_detector_fcos", "people_detector"))
    detector = load_detector(judge, torch.device("cpu"))
    assert detector.classes == load_detector(adversary, torch.device("cpu")).classes
    assert detector.threshold == judge.threshold != adversary.threshold == 0.3
    with pytest.raises(KeyError):
        load_two_stage(judge, torch.device("cpu"))


def test_embedded_weights_are_those_of_the_manifest_and_small() -> None:
    embedded = [model for model in manifest.entries() if model.set == "embedded"]
    assert {(model.task, model.role) for model in embedded} == {
        ("objects", "adversary"),
        ("objects", "judge"),
        ("search", "adversary"),
        ("scene", "adversary"),
        ("scene", "judge"),
        ("scene", "surrogate"),
        ("visual", "target"),
        ("visual", "auxiliary"),
        ("visual", "generator"),
        ("cloak", "generator"),
    }
    for model in embedded:
        assert model.file is not None
        assert manifest.sha256_of(model.file) == model.sha256
        assert model.file.stat().st_size == model.bytes
        assert model.quality
        card = model.file.with_suffix(".md").read_text(encoding="utf-8")
        assert model.sha256 in card
        assert "Licence" in card
    assert sum(model.bytes for model in embedded) <= 60_000_000


def test_full_models_can_be_checked_once_fetched() -> None:
    full = [model for model in manifest.entries() if model.set == "full"]
    assert full
    for model in full:
        assert model.url is not None
        assert model.url.startswith("https://")
        assert len(model.sha256) == 64
        # torchvision's file names contain the first digits of the hash.
        assert model.sha256[:8] in model.url


def test_without_pulled_models_the_embedded_ones_serve(tmp_path: Path) -> None:
    assert available("objects", "adversary", tmp_path).set == "embedded"
    (tmp_path / "faster_rcnn_resnet50_fpn_coco.safetensors").write_bytes(b"")
    assert available("objects", "adversary", tmp_path).set == "full"


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    model = manifest.entry("people_detector")
    assert model.file is not None
    damaged = tmp_path / "damaged.safetensors"
    content = bytearray(model.file.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(DamagedWeightsError, match="damaged"):
        load_detector(replace(model, file=damaged), torch.device("cpu"))


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(KeyError, match="people_detector"):
        manifest.entry("nobody")


def test_the_manifest_needs_no_torch() -> None:
    program = "import sys, protectors.manifest as m; m.entries(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOM.parent).returncode == 0


READERS = {"google", "tflite"}
"""Packages for the readers of foreign formats, which run only when models are pulled."""


def test_cloaking_loads_no_reader_of_foreign_formats() -> None:
    told = "import sys, protectors.cloak; print(*sorted({'google.protobuf', 'tflite'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_room_imports_nothing_but_what_it_may() -> None:
    foreign = set()
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                allowed = ALLOWED | (READERS if path.parent.name == "pretrained" else set())
                if top not in allowed and top not in sys.stdlib_module_names:
                    foreign.add((path.name, top))
    assert foreign == set()
