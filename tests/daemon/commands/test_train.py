"""`cloakroom train` and `cloakroom models import`: from a model to a generator that a site can choose."""

import json
from pathlib import Path

import pytest
import torch

from daemon.cli import main
from daemon.commands import training
from protectors.cloak import Cloakroom
from protectors.training import visual
from protectors.training.cifar import LabelledImages


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> LabelledImages:
    """Noise in the place of CIFAR-10: what is shown here is the way, not how well it learns."""
    data = object.__new__(LabelledImages)
    chance = torch.Generator().manual_seed(0)
    data.images = torch.randint(0, 256, (24, 3, 32, 32), dtype=torch.uint8, generator=chance)
    data.labels = torch.arange(24) % 10
    data.train, data.test = torch.arange(16), torch.arange(16, 24)
    data.classes = [str(label) for label in range(10)]
    monkeypatch.setattr(training, "images_for", lambda args: data)
    monkeypatch.setattr(visual, "BATCH", 8)
    return data


def test_a_generator_is_trained_imported_and_offered(
    few_images: LabelledImages, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, state = tmp_path / "made", tmp_path / "state"
    command = ["train", "visual", "--target", "vgg13_bn_cifar", "--epochs", "2", "--name", "ours", "-o", str(made), "--json"]
    assert main(command) == 0
    told = capsys.readouterr()
    assert "auxiliary model: resnet18_cifar" in told.err
    assert "ours: 1/2, about" in told.err
    manifest = Path(json.loads(told.out)["manifest"])
    content = json.loads(manifest.read_text())
    assert (content["target"], content["auxiliary"], content["input_size"]) == ("vgg13_bn_cifar", "resnet18_cifar", 32)
    assert not list(made.glob("*.run"))
    # It can be what another training begins from.
    further = [*command[:4], "--epochs", "1", "--rate", "1e-4", "--name", "further", "-o", str(made), "--json"]
    assert main([*further, "--start", str(made / "ours.safetensors")]) == 0
    manifest_of_further = Path(json.loads(capsys.readouterr().out)["manifest"])
    assert ", rate 0.0001, batch 128, from " in json.loads(manifest_of_further.read_text())["source"]
    assert main(["models", "import", str(manifest), "--state", str(state), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["protector"] == "visual-ours"
    assert "visual-ours" in Cloakroom("cpu", state / "models").protectors
    assert main(["models", "list", "--state", str(state), "--json"]) == 0
    assert "ours" in [model["name"] for model in json.loads(capsys.readouterr().out)["models"]]
    assert main(["models", "verify", "--state", str(state), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["models"]["ours"] == "ok"
    assert main(["models", "remove", "ours", "--state", str(state)]) == 0
    assert "visual-ours" not in Cloakroom("cpu", state / "models").protectors
    assert main(["models", "remove", "ours", "--state", str(state)]) == 2


def test_a_damaged_generator_is_not_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.json").write_text("{}")
    assert main(["models", "import", str(tmp_path / "bad.json"), "--state", str(tmp_path / "state")]) == 1
    assert "not of a generator" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target", "vgg99"], "No model is called vgg99"),
        (["--target", "auto"], "No model is called auto"),
        (["--target", "vgg13_bn_cifar", "--auxiliary", "vgg99"], "No model is called vgg99"),
        (["--target", "vgg13_bn_cifar", "--auxiliary", "vgg13_bn_cifar"], "another model"),
        (["--target", "vgg13_bn_cifar", "--epochs", "0"], "above zero"),
        (["--target", "vgg13_bn_cifar", "--rate", "0"], "above zero"),
        (["--target", "vgg13_bn_cifar", "--name", "../outside"], "--name may"),
    ],
)
def test_senseless_trainings_are_refused(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "visual", *options]) == 2
    assert words in capsys.readouterr().err


def test_a_training_cannot_begin_from_just_any_file(
    few_images: LabelledImages, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photo.png").write_bytes(b"not weights")
    for start in (tmp_path / "photo.png", tmp_path / "missing.safetensors"):
        command = ["train", "visual", "--target", "vgg13_bn_cifar", "--auxiliary", "none", "-o", str(tmp_path)]
        assert main([*command, "--start", str(start)]) == 2
        assert "is not a generator's weights" in capsys.readouterr().err


def test_training_says_what_data_it_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for action in (["visual", "--target", "vgg13_bn_cifar"], ["grid", "-o", str(tmp_path / "grid")]):
        assert main(["train", *action, "--data", str(tmp_path), "--device", "cpu"]) == 1
        assert "--data" in capsys.readouterr().err


def test_pairs_need_networks_and_sense(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "pairs", "--data", str(tmp_path), "--device", "cpu", "-o", str(tmp_path / "pairs")]) == 1
    assert "no networks to make pairs of" in capsys.readouterr().err
    for option in ("--epochs", "--further-epochs", "--rate", "--batch"):
        assert main(["train", "pairs", option, "0"]) == 2
        assert "above zero" in capsys.readouterr().err


def test_the_grid_refuses_networks_that_there_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "grid", "--networks", "vgg99"]) == 2
    assert "vgg99" in capsys.readouterr().err
