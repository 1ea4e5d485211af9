"""Classifiers of ImageNet's 1,000 classes that others trained, with their features and embeddings."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

from protectors.adversaries.batch_norms import fold_sequences
from protectors.adversaries.classifier import Classifier
from protectors.adversaries.image_network import DEVIATION, MEAN
from protectors.adversaries.reading import Reading
from protectors.channel.resizing import resized
from protectors.pretrained.network import GraphNetwork

IMAGENET: tuple[str, ...] = tuple(MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"])
"""The 1,000 class names, in the challenge's order."""


@dataclass(frozen=True)
class ClassifierLook:
    """One pass over images: logits [B, classes], the embedding [B, D], and feature maps [B, C, h, w] from early to late."""

    logits: Tensor
    embedding: Tensor
    features: list[Tensor]


class Stages(nn.Module, ABC):
    """A network that returns its logits [B, classes] and some of its feature maps."""

    @abstractmethod
    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]: ...


class MobileNetStages(Stages):
    """torchvision's MobileNetV2 (Sandler et al., 2018), with the last maps of three resolutions as features."""

    layers = (6, 13, 18)

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.network = mobilenet_v2(weights=None)
        self.network.load_state_dict(state)
        fold_sequences(self.network.eval())

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        made, features = images, []
        for number, layer in enumerate(self.network.features):
            made = layer(made)
            if number in self.layers:
                features.append(made)
        logits: Tensor = self.network.classifier(made.mean((2, 3)))
        return logits, features


class GraphStages(Stages):
    """A converted graph, with named maps as features."""

    def __init__(self, network: GraphNetwork, names: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.names = tuple(names)

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        made = self.network(images, self.names)
        return made[self.network.outputs[0]].flatten(1), [made[name] for name in self.names]


class PretrainedClassifier(Classifier):
    """A classifier that computes class, embedding and features in one pass."""

    model: Stages

    def __init__(
        self,
        name: str,
        model: Stages,
        side: int,
        mean: Sequence[float] = MEAN,
        deviation: Sequence[float] = DEVIATION,
        classes: Sequence[str] = IMAGENET,
    ) -> None:
        super().__init__(name, model, classes, side, mean, deviation)

    def look(self, images: Tensor) -> ClassifierLook:
        """Pass images [B, 3, H, W], in [0, 1] or 8-bit levels, through the network once; differentiable."""
        fitted = resized(images, self.side, self.side)
        logits, features = self.model((fitted - self.mean) / self.deviation)
        return ClassifierLook(logits, functional.normalize(features[-1].mean((2, 3)), dim=1), features)

    def outputs(self, images: Tensor) -> Tensor:
        return self.look(images).logits

    @torch.no_grad()
    def readings(self, images: Tensor) -> list[Reading]:
        """Return the class that is read first in each image, and its embedding."""
        look = self.look(images)
        labels = look.logits.argmax(1).tolist()
        return [
            Reading((self.classes[label],), embedding=embedding)
            for label, embedding in zip(labels, look.embedding, strict=True)
        ]

    @torch.no_grad()
    def embed(self, images: Tensor) -> Tensor:
        """Return the embeddings [B, D], of length 1, that searches compare: the mean features of the last stage."""
        return self.look(images).embedding
