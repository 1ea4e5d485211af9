"""Generators that a service hands out: what is taken in, and what is refused before anything of it is used."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from protectors.cloak import Cloakroom
from protectors.generators import GeneratorError, imported, take_in
from protectors.manifest import sha256_of
from protectors.policy import Policy
from protectors.unet import UNet
from tests.protectors.conftest import finish


def hand_out(folder: Path, network: UNet | None = None, **changes: Any) -> Path:
    """A generator's two files, as a service distributes them; the manifest's path."""
    weights = folder / "their.safetensors"
    save_file((network or UNet()).state_dict(), weights)
    content = {
        "name": "their",
        "file": weights.name,
        "sha256": sha256_of(weights),
        "bytes": weights.stat().st_size,
        "input_size": 32,
        "classes": ["cat", "dog"],
        "licence": "theirs",
        "source": "a service",
        "target": "a model of theirs",
        "auxiliary": "",
    }
    path = folder / "their.json"
    path.write_text(json.dumps({key: value for key, value in {**content, **changes}.items() if value is not None}))
    return path


def test_an_imported_generator_is_a_protector_of_its_own(tmp_path: Path) -> None:
    models = tmp_path / "models"
    assert imported(models) == ()
    own = take_in(hand_out(tmp_path), models)
    assert [entry.name for entry in imported(models)] == ["their"]
    # What the service handed out may go: the copy is what is used.
    (tmp_path / "their.safetensors").unlink()
    room = Cloakroom("cpu", models)
    assert room.protectors[-1] == "visual-their"
    photo = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    judge = room.judge(Policy(("visual-their",)), photo)
    seen, made = finish(room.cloak(judge))
    cloaked = made.pixels
    assert made.file is None
    assert {progress.stage for progress in seen} == {"visual"}
    assert cloaked.shape == photo.shape
    assert [verdict.adversary for verdict in judge.verdicts(cloaked)] == ["resnet18_cifar", own.name]


def test_one_of_the_same_name_is_replaced(tmp_path: Path) -> None:
    models = tmp_path / "models"
    first = take_in(hand_out(tmp_path), models)
    second = take_in(hand_out(tmp_path), models)
    assert first.sha256 != second.sha256
    assert [entry.sha256 for entry in imported(models)] == [second.sha256]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sha256": "0" * 64}, "SHA-256"),
        ({"name": "../../evil"}, "name may"),
        ({"name": "Their"}, "name may"),
        ({"file": "../their.safetensors"}, "beside it"),
        ({"file": "their.pth"}, "beside it"),
        ({"input_size": 100_000}, "input size"),
        ({"input_size": "32"}, "input size"),
        ({"classes": "cat"}, "list of short names"),
        ({"target": 3}, "wrong kind"),
        ({"target": None}, "lacks target"),
        ({"url": "https://example.org"}, "has url"),
    ],
)
def test_what_is_not_right_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(GeneratorError, match=words):
        take_in(hand_out(tmp_path, **changes), tmp_path / "models")
    assert imported(tmp_path / "models") == ()


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="do not fit"):
        take_in(hand_out(tmp_path, UNet(4)), tmp_path / "models")


def test_weights_that_are_no_safetensors_are_refused(tmp_path: Path) -> None:
    path = hand_out(tmp_path)
    (tmp_path / "their.safetensors").write_bytes(b"\x80\x04pickle")
    manifest = json.loads(path.read_text()) | {"sha256": sha256_of(tmp_path / "their.safetensors")}
    path.write_text(json.dumps(manifest))
    with pytest.raises(GeneratorError, match="do not fit"):
        take_in(path, tmp_path / "models")


@pytest.mark.parametrize(("text", "words"), [("{", "not JSON"), ("[]", "not of a generator"), (" " * 70_000, "too large")])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "their.json"
    path.write_text(text)
    with pytest.raises(GeneratorError, match=words):
        take_in(path, tmp_path / "models")


def test_a_manifest_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="cannot be read"):
        take_in(tmp_path / "none.json", tmp_path / "models")


def test_weights_that_were_changed_later_are_not_used(tmp_path: Path) -> None:
    models = tmp_path / "models"
    take_in(hand_out(tmp_path), models)
    save_file(UNet().state_dict(), models / "generators" / "their.safetensors")
    room = Cloakroom("cpu", models)
    with pytest.raises(GeneratorError, match="SHA-256"):
        room.judge(Policy(("visual-their",)), np.zeros((40, 40, 3), np.uint8))


def test_a_generator_that_nobody_imported_is_refused(cloakroom: Cloakroom) -> None:
    with pytest.raises(ValueError, match="visual-none"):
        cloakroom.judge(Policy(("visual-none",)), np.zeros((40, 40, 3), np.uint8))


def test_the_weights_are_of_the_network_as_it_was_handed_out(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = UNet().eval()
    models = tmp_path / "models"
    take_in(hand_out(tmp_path, network), models)
    protector = Cloakroom("cpu", models).visuals.get("visual-their")
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        expected = (images + torch.tanh(network(2 * images - 1))).clamp(0, 1)
    assert torch.allclose(protector.generator.draw(images), expected, atol=1e-6)


@pytest.mark.parametrize("content", ["{", "[]", "{}", "[" * 5000])
def test_a_stored_manifest_that_was_damaged_keeps_nothing_else_from_working(tmp_path: Path, content: str) -> None:
    models = tmp_path / "models"
    take_in(hand_out(tmp_path), models)
    (models / "generators" / "other.json").write_text(content)
    assert [entry.name for entry in imported(models)] == ["their"]
    assert Cloakroom("cpu", models).protectors[-1] == "visual-their"


def test_a_target_that_is_no_reader_of_ours_is_not_loaded(tmp_path: Path) -> None:
    models = tmp_path / "models"
    take_in(hand_out(tmp_path, target="dbh24"), models)
    assert Cloakroom("cpu", models).visuals.get("visual-their").target is None


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    network = UNet()
    with torch.no_grad():
        network.exit.weight.fill_(float("nan"))
    with pytest.raises(GeneratorError, match="not all numbers"):
        take_in(hand_out(tmp_path, network), tmp_path / "models")
