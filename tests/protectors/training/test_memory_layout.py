"""Tests that channels last is used only where it is safe, also on a CPU without AVX-512 (simulated by ONEDNN_MAX_CPU_ISA)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from protectors.adversaries.cifar_networks import NETWORKS
from protectors.adversaries.classifier import Classifier
from protectors.adversaries.detector import TwoStageDetector
from protectors.training import cifar
from protectors.training.memory_layout import training_layout
from protectors.training.visual import GeneratorTraining, Recipe
from tests.protectors.training.test_grid import few_images

ISAS = ["AVX2", "DEFAULT"]
"""Instruction sets that oneDNN may use: those of most people's CPUs, and all of this CPU's."""

TRAINING = """
import torch
from torch import nn
from protectors.adversaries.cifar_networks import NETWORKS
from protectors.training import cifar
from tests.protectors.training.test_grid import few_images

cifar.BATCH = 16
for name in ("resnet18", "vgg13_bn"):
    # Four channels at the start: a strided 1x1 convolution of four channels follows in a residual network.
    network = NETWORKS[name](3, 0.0625)
    cifar.Trainer(few_images(), network, nn.Identity(), 0).run(cifar.READING, 8, 0.1, print)
print("trained")
"""

CLOAK = """
import torch
from protectors.adversaries.loading import load_two_stage
from protectors.manifest import entry

detector = load_two_stage(entry("people_detector"), torch.device("cpu"))
images = torch.rand(1, 3, 160, 224, generator=torch.Generator().manual_seed(0))

def gradient(layout):
    detector.model.to(memory_format=layout)
    free = images.clone().requires_grad_(True)
    features = detector.model.backbone(detector.inputs(free).contiguous(memory_format=layout))
    sum(maps.square().mean() for maps in features.values()).backward()
    return free.grad

for _ in range(4):
    last = gradient(torch.channels_last)
    # Using the heap reveals whether it was overwritten.
    del [torch.rand(count) for count in range(1, 4000, 37)][:]
contiguous = gradient(torch.contiguous_format)
assert contiguous.abs().max() > 0
assert torch.allclose(last, contiguous, rtol=1e-3, atol=1e-4 * contiguous.abs().max().item())
print("the same")
"""


def python(program: str, isa: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a separate process, which a fault may kill, with at most these instructions."""
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": isa, "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("isa", ISAS)
def test_networks_of_few_channels_can_be_trained(isa: str, tmp_path: Path) -> None:
    done = python(TRAINING, isa, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "trained"


@pytest.mark.parametrize("isa", ISAS)
def test_the_gradient_that_a_cloak_takes_is_the_same_in_both_layouts(isa: str, tmp_path: Path) -> None:
    done = python(CLOAK, isa, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "the same"


def test_a_cloak_asks_for_no_gradient_of_weights(detector: TwoStageDetector) -> None:
    assert not any(weights.requires_grad for weights in detector.model.parameters())


def watch_convolutions(network: nn.Module) -> list[str]:
    """Return a list of the convolutions with channels-last inputs, which is filled when the network runs."""
    seen: list[str] = []

    def look(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        weight = next(layer.parameters())
        for name, tensor in (("input", given[0]), ("weight", weight)):
            if tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous():
                seen.append(f"{layer}: {name}")

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_pre_hook(look)
    return seen


def test_nothing_is_trained_with_colours_last_on_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    assert training_layout(torch.device("cpu")) == torch.contiguous_format
    assert training_layout(torch.device("cuda")) == torch.channels_last
    monkeypatch.setattr(cifar, "BATCH", 16)
    data = few_images()
    network = NETWORKS["resnet18"](3, 0.0625)
    seen = watch_convolutions(network)
    cifar.Trainer(data, network, nn.Identity(), 0).run(cifar.READING, 1, 0.1, print)
    reader = Classifier("reader", network, data.classes, 32)
    training = GeneratorTraining(data, reader, None, Recipe(0.1, batch=16))
    seen_by_generator = watch_convolutions(training.network)
    training.run(lambda done, total, left: None)
    assert seen == []
    assert seen_by_generator == []
