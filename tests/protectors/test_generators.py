"""Tests which generators of services are imported, and which are refused before they are used."""

import json
import time
import tracemalloc
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
    """Write a generator's two files as a service distributes them, and return the manifest's path."""
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
    generator = take_in(hand_out(tmp_path), models)
    assert [entry.name for entry in imported(models)] == ["their"]
    # The copy is used, so the service's files may be deleted.
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
    assert [verdict.adversary for verdict in judge.verdicts(cloaked)] == ["resnet18_cifar", generator.name]


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
        ({"target": None}, "lacks target"),
        ({"url": "https://example.org"}, "that none has"),
        ({"name": 3}, "name may"),
        ({"name": "their\n"}, "name may"),
        ({"file": "\x1b[2Jtheir.safetensors"}, "beside it"),
        ({"file": ["their.safetensors"]}, "beside it"),
        ({"sha256": "A" * 64}, "64 of"),
        ({"sha256": "a" * 65}, "64 of"),
        ({"bytes": True}, "bytes have to be"),
        ({"bytes": -1}, "bytes have to be"),
        ({"bytes": 1e9}, "bytes have to be"),
        ({"bytes": 10**30}, "bytes have to be"),
        ({"bytes": 1}, "size differs"),
        ({"input_size": True}, "input size"),
        ({"input_size": 32.0}, "input size"),
        ({"classes": ["a\x1b[31m"]}, "list of short names"),
        ({"classes": ["a\nb"]}, "list of short names"),
        ({"classes": ["\u202egod"]}, "list of short names"),
        ({"classes": ["\ud800"]}, "list of short names"),
        ({"classes": ["a"] * 1025}, "list of short names"),
        ({"classes": [["a"]]}, "list of short names"),
        ({"classes": {"a": 1}}, "list of short names"),
        ({"licence": "\x1b]0;owned\x07"}, "licence has to be one line"),
        ({"licence": "x" * 501}, "licence has to be one line"),
        ({"source": ["a service"]}, "source has to be one line"),
        ({"source": "a\u2028b"}, "source has to be one line"),
        ({"target": 3}, "target has to be one line"),
        ({"auxiliary": {}}, "auxiliary has to be one line"),
        ({"quality": []}, "quality has to be"),
        ({"quality": {"a": [1]}}, "quality has to be"),
        ({"quality": {"a": "1"}}, "quality has to be"),
        ({"quality": {"a": True}}, "quality has to be"),
        ({"quality": {"a": {}}}, "quality has to be"),
        ({"quality": {"a": 10**400}}, "quality has to be"),
        ({"quality": {"\x1b[31m": 1}}, "quality has to be"),
        ({"quality": {"[red]": 1}}, "quality has to be"),
        ({"quality": {f"a{number}": 1 for number in range(65)}}, "quality has to be"),
        ({"quality": {"a": float("nan")}}, "a number that is none"),
        ({"quality": {"a": float("inf")}}, "a number that is none"),
    ],
)
def test_what_is_not_right_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(GeneratorError, match=words):
        take_in(hand_out(tmp_path, **changes), tmp_path / "models")
    assert imported(tmp_path / "models") == ()


def test_a_refusal_quotes_nothing_of_the_manifest(tmp_path: Path) -> None:
    for changes in ({"\x1b[31mfield": 1}, {"name": "\x1b[31m"}, {"file": "\x1b[31m"}, {"classes": "\x1b[31m"}):
        with pytest.raises(GeneratorError) as refused:
            take_in(hand_out(tmp_path, **changes), tmp_path / "models")
        assert str(refused.value).replace(str(tmp_path), "").isprintable()


def test_a_manifest_that_says_something_twice_is_refused(tmp_path: Path) -> None:
    path = hand_out(tmp_path)
    path.write_text(path.read_text().replace('"name"', '"name": "other", "name"', 1))
    with pytest.raises(GeneratorError, match="twice"):
        take_in(path, tmp_path / "models")


def test_every_measure_that_a_manifest_may_have_can_be_shown(tmp_path: Path) -> None:
    measures = {"cifar10.target.before": 0.8489, "count": 3, "map@1000": 1e-9, "high": 1e9}
    generator = take_in(hand_out(tmp_path, quality=measures), tmp_path / "models")
    assert [f"{value:.3g}" for value in generator.quality.values()] == ["0.849", "3", "1e-09", "1e+09"]


def written(folder: Path, header: bytes, data: bytes = b"") -> Path:
    """Write a manifest and a weights file with this header and data, and return the manifest's path."""
    path = hand_out(folder)
    weights = folder / "their.safetensors"
    weights.write_bytes(len(header).to_bytes(8, "little") + header + data)
    told = json.loads(path.read_text()) | {"sha256": sha256_of(weights), "bytes": weights.stat().st_size}
    path.write_text(json.dumps(told))
    return path


def test_a_file_of_empty_tensors_costs_nothing(tmp_path: Path) -> None:
    """The file has a million empty tensors in forty megabytes, which the library needs a minute and gigabytes to read."""
    empty = b'"%06d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    path = written(tmp_path, b"{" + b",".join(empty % number for number in range(1_000_000)) + b"}")
    tracemalloc.start()
    begun = time.process_time()
    with pytest.raises(GeneratorError, match="do not fit"):
        take_in(path, tmp_path / "models")
    assert time.process_time() - begun < 5
    assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    tracemalloc.stop()


def header_of(weights: Path) -> dict[str, Any]:
    data = weights.read_bytes()
    told: dict[str, Any] = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return told


@pytest.mark.parametrize(
    "way", ["one more", "one less", "other shape", "other kind", "twice", "beyond the end", "negative", "overlap"]
)
def test_tensors_that_are_not_the_networks_are_refused(tmp_path: Path, way: str) -> None:
    hand_out(tmp_path)
    weights = tmp_path / "their.safetensors"
    header, size = header_of(weights), weights.stat().st_size
    header.pop("__metadata__", None)
    data = weights.read_bytes()[8 + int.from_bytes(weights.read_bytes()[:8], "little") :]
    assert size > len(data)
    tensor = header["exit.weight"]
    begin, end = tensor["data_offsets"]
    changes: dict[str, Any] = {
        "one more": {"more": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}},
        "one less": {},
        "other shape": {"exit.weight": tensor | {"shape": tensor["shape"][::-1]}},
        "other kind": {"exit.weight": tensor | {"dtype": "F8_E4M3"}},
        "beyond the end": {"exit.weight": tensor | {"data_offsets": [begin + 4, end + 4]}},
        "negative": {"exit.weight": tensor | {"data_offsets": [-(end - begin), 0]}},
        "overlap": {"exit.weight": tensor | {"data_offsets": [0, end - begin]}},
        "twice": {},
    }
    header |= changes[way]
    if way == "one less":
        del header["exit.bias"]
    text = json.dumps(header)
    if way == "twice":
        text = text.replace('"exit.bias"', '"exit.bias": 1, "exit.bias"', 1)
    with pytest.raises(GeneratorError, match="do not fit"):
        take_in(written(tmp_path, text.encode(), data), tmp_path / "models")


def test_the_control_of_these_headers_is_taken_in(tmp_path: Path) -> None:
    hand_out(tmp_path)
    data = (tmp_path / "their.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    generator = take_in(written(tmp_path, data[8 : 8 + length], data[8 + length :]), tmp_path / "models")
    assert generator.name == "their"


@pytest.mark.parametrize("header", [b"", b"[]", b"{", b"[" * 5000, b"\xff", b"{}"])
def test_a_header_that_is_none_is_refused(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(GeneratorError, match="do not fit"):
        take_in(written(tmp_path, header), tmp_path / "models")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="do not fit"):
        take_in(hand_out(tmp_path, UNet(4)), tmp_path / "models")


def test_weights_that_are_no_safetensors_are_refused(tmp_path: Path) -> None:
    path = hand_out(tmp_path)
    (tmp_path / "their.safetensors").write_bytes(b"\x80\x04pickle")
    manifest = json.loads(path.read_text()) | {"sha256": sha256_of(tmp_path / "their.safetensors"), "bytes": 8}
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


@pytest.mark.parametrize("content", ["{", "[]", "{}", "[" * 5000, " " * 70_000])
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
