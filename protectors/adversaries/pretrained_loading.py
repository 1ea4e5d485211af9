"""Builds pretrained adversaries, whose weights were converted from registry packages."""

from pathlib import Path

import torch

from protectors.adversaries.centerface import CenterFace
from protectors.adversaries.centernet import CenterNet
from protectors.adversaries.coco import CLASSES
from protectors.adversaries.embedding_search import EmbeddingSearch
from protectors.adversaries.loading import checked_weights_file, read_weights
from protectors.adversaries.nanodet import NanoDet
from protectors.adversaries.one_stage import OneStageDetector
from protectors.adversaries.pretrained_classifier import GraphStages, MobileNetStages, PretrainedClassifier
from protectors.adversaries.ssd_mobilenet import SSDMobileNet
from protectors.adversaries.yolo_faces import YoloFaces
from protectors.manifest import Entry, entries, weights_file
from protectors.pretrained.graph import load
from protectors.pretrained.network import GraphNetwork

ONE_STAGE: dict[str, type[OneStageDetector]] = {
    "ssd_mobilenet": SSDMobileNet,
    "nanodet": NanoDet,
    "centerface": CenterFace,
    "centernet": CenterNet,
    "yolo_faces": YoloFaces,
}

EFFICIENTNET_STAGES = ("map170", "map204", "map235")
"""Maps of EfficientNet-Lite3 at three resolutions, named by their numbers in its file."""

EFFICIENTNET_MEAN, EFFICIENTNET_DEVIATION = (127 / 255,) * 3, (128 / 255,) * 3
"""Mean and standard deviation of the pixels that it was trained on (its authors' preprocessing)."""


def pulled_models(folder: Path | None) -> list[Entry]:
    """Return the pretrained models that were pulled."""
    return [model for model in entries() if model.set == "pretrained" and weights_file(model, folder)]


def load_one_stage(model: Entry, device: torch.device, folder: Path | None) -> OneStageDetector:
    """Load a one-stage detector. KeyError: it is not a one-stage one."""
    return ONE_STAGE[model.architecture](model.name, _graph(model, device, folder), model.classes or CLASSES, model.threshold)


def load_pretrained_classifier(model: Entry, device: torch.device, folder: Path | None) -> PretrainedClassifier:
    """Load a classifier of ImageNet's classes."""
    if model.architecture == "efficientnet_lite":
        stages = GraphStages(_graph(model, device, folder), EFFICIENTNET_STAGES)
        return PretrainedClassifier(model.name, stages, model.input_size, EFFICIENTNET_MEAN, EFFICIENTNET_DEVIATION)
    return PretrainedClassifier(model.name, MobileNetStages(read_weights(model, folder)).to(device), model.input_size)


def search_by(network: PretrainedClassifier, model: Entry) -> EmbeddingSearch:
    """Return the search by a classifier's embeddings."""
    return EmbeddingSearch(network, model.quality["search.similarity"])


def _graph(model: Entry, device: torch.device, folder: Path | None) -> GraphNetwork:
    network = GraphNetwork(load(checked_weights_file(model, folder))).to(device)
    # Channels last is quicker for these networks on both kinds of processors; it is safe because the weights are frozen.
    return network.to(memory_format=torch.channels_last)
