"""Builds adversaries from their manifest entries: the architecture by its name, the weights from safetensors."""

import re
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torchvision.models import ResNet50_Weights, mobilenet_v3_small, resnet50, shufflenet_v2_x0_5
from torchvision.models.detection import (
    FCOS,
    FasterRCNN,
    FasterRCNN_ResNet50_FPN_Weights,
    fasterrcnn_resnet50_fpn,
)

from protectors.adversaries.cifar_networks import NETWORKS
from protectors.adversaries.cifar_resnet import CifarResNet
from protectors.adversaries.classifier import Classifier
from protectors.adversaries.dense_resnet import DenseResNetClassifier
from protectors.adversaries.detector import Detector, TorchvisionDetector, TwoStageDetector
from protectors.adversaries.embedded_detector import build_detector
from protectors.adversaries.fcos_mobilenet import build_fcos
from protectors.adversaries.hash_encoder import HashEncoder
from protectors.adversaries.plain_convnet import PlainConvNet
from protectors.manifest import DamagedWeightsError, Entry, entries, is_right, weights_file
from protectors.weights import read_float

BACKGROUND = "background"


def official_detector() -> FasterRCNN:
    """Return torchvision's detector, whose published weights were trained with a frozen normalisation of epsilon 0."""
    model = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.0
    return model


TWO_STAGE: dict[str, Callable[[], FasterRCNN]] = {
    "faster_rcnn_dense_resnet": build_detector,
    "faster_rcnn_resnet50_fpn": official_detector,
}
DETECTORS: dict[str, Callable[[], FasterRCNN | FCOS]] = {**TWO_STAGE, "fcos_mobilenet": build_fcos}
CLASSIFIERS: dict[str, Callable[[int], nn.Module]] = {
    "dense_resnet": lambda classes: DenseResNetClassifier(classes, (32, 64, 128, 256)),
    "plain_convnet": PlainConvNet,
    "mobilenet": lambda classes: mobilenet_v3_small(weights=None, num_classes=classes),
    "shufflenet": lambda classes: shufflenet_v2_x0_5(weights=None, num_classes=classes),
    "resnet50": lambda classes: resnet50(weights=None, num_classes=classes),
    "cifar_resnet20": lambda classes: CifarResNet(20, classes),
    "cifar_resnet32": lambda classes: CifarResNet(32, classes),
    "cifar_resnet44": lambda classes: CifarResNet(44, classes),
}
CIFAR = re.compile(r"(\w+)_cifar(?:_x([\d.]+))?")
"""The name of a network in its CIFAR form: ``vgg13_bn_cifar``, or ``vgg13_bn_cifar_x0.25`` at a quarter of the width."""

CLASS_LISTS: dict[str, tuple[str, ...]] = {
    "faster_rcnn_resnet50_fpn": tuple(FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]),
    "resnet50": tuple(ResNet50_Weights.IMAGENET1K_V1.meta["categories"]),
}


def available(task: str, role: str, folder: Path | None) -> Entry:
    """Return the best available model for a task: a pulled ``full`` one, else the embedded one."""
    fitting = [model for model in entries() if model.task == task and model.role == role and weights_file(model, folder)]
    if not fitting:
        raise DamagedWeightsError(f"no weights for {task} are there: install Cloakroom again")
    return next((model for model in fitting if model.set == "full"), fitting[0])


def read_weights(entry: Entry, folder: Path | None) -> dict[str, torch.Tensor]:
    """Read a model's state as float32 after checking its hash."""
    return read_float(checked_weights_file(entry, folder))


def checked_weights_file(entry: Entry, folder: Path | None) -> Path:
    """Return the file of a model's weights after checking its hash.

    Raises:
        DamagedWeightsError: the file is missing or has the wrong hash; the text says what to do.
    """
    path = weights_file(entry, folder)
    if path is None or not path.is_file():
        raise DamagedWeightsError(f"the weights of {entry.name} are not there: run `cloakroom models pull {entry.name}`")
    if not is_right(entry, path):
        mended = (
            f"run `cloakroom models pull {entry.name}`" if entry.file is None else "install Cloakroom again, or train them anew"
        )
        raise DamagedWeightsError(f"the weights of {entry.name} are damaged: {mended}")
    return path


def build(architecture: str, outputs: int) -> nn.Module:
    """Return the network of a classifier or an encoder, without weights. KeyError: there is no such architecture."""
    small = CIFAR.fullmatch(architecture)
    return NETWORKS[small[1]](outputs, float(small[2] or 1)) if small else CLASSIFIERS[architecture](outputs)


def load_detector(entry: Entry, device: torch.device, folder: Path | None = None) -> Detector:
    """Load any embedded or official detector, for reading photos."""
    if entry.architecture in TWO_STAGE:
        return load_two_stage(entry, device, folder)
    model = DETECTORS[entry.architecture]()
    model.load_state_dict(read_weights(entry, folder))
    return TorchvisionDetector(entry.name, model.to(device), (BACKGROUND, *entry.classes), entry.threshold)


def load_two_stage(entry: Entry, device: torch.device, folder: Path | None = None) -> TwoStageDetector:
    """Load a detector that cloaks can be optimised on. KeyError: it is not a two-stage one."""
    model = TWO_STAGE[entry.architecture]()
    model.load_state_dict(read_weights(entry, folder))
    classes = CLASS_LISTS.get(entry.architecture) or (BACKGROUND, *entry.classes)
    return TwoStageDetector(entry.name, model.to(device), classes, entry.threshold)


def load_classifier(entry: Entry, device: torch.device, folder: Path | None = None) -> Classifier:
    classes = entry.classes or CLASS_LISTS[entry.architecture]
    model = build(entry.architecture, len(classes))
    model.load_state_dict(read_weights(entry, folder))
    if isinstance(model, CifarResNet):
        model.fold()
    return Classifier(entry.name, model.to(device), classes, entry.input_size)


def load_encoder(entry: Entry, device: torch.device, folder: Path | None = None) -> HashEncoder:
    """Load an encoder. Its file holds the class centres beside the weights, and so the number of bits."""
    weights = read_weights(entry, folder)
    centres = weights.pop("centres")
    network = build(entry.architecture, centres.shape[1])
    network.load_state_dict(weights)
    return HashEncoder(entry.name, network.to(device), entry.classes, centres, entry.input_size)
