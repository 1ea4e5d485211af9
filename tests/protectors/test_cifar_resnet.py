"""Tests that the residual networks for CIFAR-10 have the published weights' architecture and accuracy."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from protectors.adversaries.cifar_resnet import BasicBlock, CifarResNet
from protectors.adversaries.loading import load_classifier
from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.cifar_resnets import CLASSES, WEIGHTS, described, listed_in
from protectors.evaluation.reading import images_of, share_right
from protectors.manifest import DamagedWeightsError, sha256_of
from protectors.weights import read_float
from tests.protectors.conftest import needs_data

COUNTED = "num_batches_tracked"
"""The name of a batch normalisation's counter, which PyTorch keeps and the published files do not."""


def with_random_weights(depth: int) -> CifarResNet:
    """Return a network whose batch normalisations have nontrivial statistics, so that folding changes weights."""
    torch.manual_seed(depth)
    network = CifarResNet(depth, 10)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for name, value in module.state_dict().items():
                if name in ("weight", "running_var"):
                    nn.init.uniform_(value, 0.5, 1.5)
                elif name != COUNTED:
                    nn.init.normal_(value, 0, 0.2)
    return network.eval()


def published_state(network: CifarResNet) -> dict[str, Tensor]:
    """Return the weights under the names in the published files."""
    return {name: value for name, value in network.state_dict().items() if not name.endswith(COUNTED)}


# Millions of parameters as the paper prints them (table 6).
@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_each_depth_has_its_layers_and_parameters(depth: int, millions: float) -> None:
    network = CifarResNet(depth, 10)
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth
    assert sum(weights.numel() for weights in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.04)


@pytest.mark.parametrize("depth", WEIGHTS)
def test_its_parameters_have_the_names_of_the_published_files(depth: int) -> None:
    parts = ["weight", "bias", "running_mean", "running_var"]
    names = {"conv1.weight", "linear.weight", "linear.bias", *(f"bn1.{part}" for part in parts)}
    for stage in (1, 2, 3):
        for block in range((depth - 2) // 6):
            for layer in (1, 2):
                names.add(f"layer{stage}.{block}.conv{layer}.weight")
                names |= {f"layer{stage}.{block}.bn{layer}.{part}" for part in parts}
    assert set(published_state(CifarResNet(depth, 10))) == names


@pytest.mark.parametrize("depth", [2, 18, 21])
def test_depths_that_there_are_not_are_refused(depth: int) -> None:
    with pytest.raises(ValueError, match="6n"):
        CifarResNet(depth, 10)


def test_the_stages_halve_the_resolution_and_double_the_channels() -> None:
    network = with_random_weights(20)
    features = torch.rand(2, 16, 32, 32)
    for stage, shape in ((network.layer1, (16, 32, 32)), (network.layer2, (32, 16, 16)), (network.layer3, (64, 8, 8))):
        features = stage(features)
        assert features.shape == (2, *shape)


def test_a_shortcut_takes_every_second_pixel_between_channels_of_zeros() -> None:
    block = BasicBlock(16, 32, 2)
    features = torch.rand(1, 16, 6, 6)
    shortcut = block.shortcut(features)
    assert torch.equal(shortcut[:, 8:24], features[:, :, ::2, ::2])
    assert not shortcut[:, :8].any()
    assert not shortcut[:, 24:].any()
    assert BasicBlock(16, 16, 1).shortcut(features) is features


@pytest.mark.parametrize("depth", WEIGHTS)
def test_folded_it_reads_the_same_and_has_gradients(depth: int) -> None:
    network = with_random_weights(depth)
    images = torch.randn(3, 3, 32, 32, requires_grad=True)
    before = network(images)
    assert before.shape == (3, 10)
    network.fold()
    assert not [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    after = network(images)
    assert torch.allclose(before, after, rtol=1e-3, atol=1e-3 * before.abs().max().item())
    after.square().sum().backward()
    assert images.grad is not None
    assert (images.grad.abs().sum((1, 2, 3)) > 0).all()
    network.fold()
    assert torch.equal(network(images), after)


def test_a_file_of_published_names_is_loaded_by_its_hash(tmp_path: Path) -> None:
    network, file = with_random_weights(20), tmp_path / "resnet20.safetensors"
    save_file(published_state(network), file)
    model = described(20, file)
    with pytest.raises(DamagedWeightsError, match="damaged"):
        load_classifier(model, torch.device("cpu"))
    images = torch.rand(2, 3, 32, 32)
    classifier = load_classifier(replace(model, sha256=sha256_of(file)), torch.device("cpu"))
    expected = network((images - classifier.mean) / classifier.deviation)
    assert torch.allclose(classifier.logits(images), expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item())
    assert classifier.classes == CLASSES


def test_a_folder_without_them_has_none(tmp_path: Path) -> None:
    assert listed_in(tmp_path) == ()


@needs_data
@pytest.mark.parametrize("depth", WEIGHTS)
def test_the_published_files_have_the_names_and_shapes_of_the_architecture(depth: int) -> None:
    (model,) = (model for model in listed_in(DEFAULT_FOLDER) if model.architecture == f"cifar_resnet{depth}")
    assert model.file is not None
    assert model.bytes == model.file.stat().st_size
    published = {name: value.shape for name, value in read_float(model.file).items()}
    assert published == {name: value.shape for name, value in published_state(CifarResNet(depth, 10)).items()}


@needs_data
def test_they_read_the_archive_as_its_readme_says() -> None:
    archive = Archive(DEFAULT_FOLDER / "cifar10.npz")
    assert tuple(archive.classes) == CLASSES
    tests = np.where(archive["is_test"])[0][:1500]
    images, truth = images_of(archive, tests), torch.from_numpy(archive["labels"][tests].astype(np.int64))
    networks = [load_classifier(model, torch.device("cpu")) for model in listed_in(DEFAULT_FOLDER)]
    shares = [share_right(network, images, truth) for network in networks]
    assert shares == pytest.approx([0.803, 0.818, 0.806], abs=0.001)
