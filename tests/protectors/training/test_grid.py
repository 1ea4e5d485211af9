"""Tests the training of a small grid of models, and that it resumes."""

from pathlib import Path

import pytest
import torch

from protectors.adversaries.cifar_networks import NETWORKS
from protectors.adversaries.loading import load_classifier, load_encoder
from protectors.generators import load
from protectors.manifest import listed
from protectors.training import cifar, grid
from protectors.training.checkpoint import OtherRunError
from protectors.training.cifar import LabelledImages


def few_images() -> LabelledImages:
    data = object.__new__(LabelledImages)
    chance = torch.Generator().manual_seed(0)
    data.images = torch.randint(0, 256, (40, 3, 32, 32), dtype=torch.uint8, generator=chance)
    data.labels = torch.arange(40) % 3
    data.train, data.test = torch.arange(32), torch.arange(32, 40)
    data.classes = ["one", "two", "three"]
    return data


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar, "BATCH", 16)
    monkeypatch.setattr(grid, "SIZES", {"dsh": (12,), "dbh": (12,)})


@pytest.mark.usefixtures("small_batches")
def test_it_trains_what_is_missing_and_nothing_twice(tmp_path: Path) -> None:
    data, said = few_images(), list[str]()

    def filled() -> grid.Grid:
        made = grid.Grid(tmp_path, data, said.append, ("resnet18", "vgg13_bn"), 0.0625, epochs=1, generator_epochs=0.1)
        made.run()
        return made

    models = filled().models
    assert set(models) == {
        *("resnet18_cifar", "vgg13_bn_cifar", "dsh12", "dbh12"),
        *("unet_resnet18_vgg13_bn", "unet_resnet18_none", "unet_vgg13_bn_resnet18", "unet_vgg13_bn_none"),
    }
    device = torch.device("cpu")
    assert load_classifier(models["vgg13_bn_cifar"], device).read(torch.rand(1, 3, 32, 32)).shape == (1, 3)
    assert load_encoder(models["dsh12"], device).bits == 12
    assert models["unet_resnet18_none"].auxiliary == ""
    assert load(models["unet_resnet18_vgg13_bn"], device).side == 32
    assert not list(tmp_path.glob("*.run"))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    said.clear()
    filled()
    assert said == [f"{model.name} is there" for model in listed(tmp_path)]
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_folder_holds_the_grid_of_one_recipe(tmp_path: Path) -> None:
    data = few_images()
    made = grid.Grid(tmp_path, data, print, ("resnet18",), 0.0625, epochs=1)
    (tmp_path / "resnet18_cifar.safetensors").write_bytes(b"weights")
    facts = {"task": "visual", "role": "target", "architecture": "resnet18_cifar", "quality": {}, "source": made._source}
    grid.enter(tmp_path, "resnet18_cifar", facts, data.classes)
    assert set(grid.Grid(tmp_path, data, print, ("resnet18",), 0.0625, epochs=1).models) == {"resnet18_cifar"}
    with pytest.raises(OtherRunError, match="another recipe"):
        grid.Grid(tmp_path, data, print, ("resnet18",), 0.0625, epochs=2)


def test_a_width_that_cannot_be_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="own width"):
        grid.Grid(tmp_path / "grid", few_images(), print, ("resnet18", "googlenet"), 0.25)
    assert not (tmp_path / "grid").exists()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_reads_small_images_and_has_gradients(name: str) -> None:
    width = 1.0 if name in ("googlenet", "inception_v3") else 0.25
    network = NETWORKS[name](10, width).eval()
    images = torch.rand(2, 3, 32, 32, requires_grad=True)
    logits = network(images)
    assert logits.shape == (2, 10)
    logits.square().sum().backward()
    assert images.grad is not None
    assert (images.grad.abs().sum((1, 2, 3)) > 0).all()


def test_the_published_widths_have_the_published_sizes() -> None:
    """The networks in their CIFAR form, with one linear layer at the end, have so many millions of parameters."""
    published = {"vgg13_bn": 9.42, "vgg16_bn": 14.73, "resnet18": 11.17, "resnet34": 21.28, "densenet121": 6.96}
    for name, millions in published.items():
        assert sum(value.numel() for value in NETWORKS[name](10, 1.0).parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


def test_a_width_that_an_architecture_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="own width"):
        NETWORKS["googlenet"](10, 0.5)
