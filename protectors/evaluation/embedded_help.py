"""Cloaks against the pretrained networks and the embedded ones together, to measure what the embedded ones add."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from protectors.adversaries.classifier import Classifier
from protectors.adversaries.dense_resnet import DenseResNetClassifier
from protectors.adversaries.detector import TwoStageDetector
from protectors.adversaries.loading import available, load_classifier, load_two_stage
from protectors.channel.resizing import resized
from protectors.cloak import Cloakroom
from protectors.names import OBJECTS
from protectors.policy import Policy
from protectors.refinement.objective import Aim, NetworkObjective, feature_loss

Features = Callable[[Tensor], Sequence[Tensor]]
"""Turns images [B, 3, H, W] in [0, 1] into feature maps [B, C, h, w]."""


class FeaturePushing(NetworkObjective):
    """Pushes a network's features away from the original's. Its task plays no part, so it always counts as fooled."""

    stage = OBJECTS

    def __init__(self, name: str, features: Features, original: Tensor) -> None:
        self.name = name
        self._features = features
        self._size = (original.shape[2], original.shape[3])
        with torch.no_grad():
            self._references = list(features(original))

    def aim(self, view: Tensor) -> Aim:
        # A smaller view has slightly other proportions, and its maps could be of another size.
        fitted = resized(view, *self._size)
        return Aim(feature_loss(self._references, list(self._features(fitted))), is_reached=True)


class EmbeddedToo(Cloakroom):
    """A Cloakroom whose steps are also against the embedded detector's and classifier's features, at equal gradient calls."""

    def objectives(self, policy: Policy, original: Tensor, chance: torch.Generator) -> list[NetworkObjective]:
        detector = load_two_stage(available("objects", "adversary", None), original.device)
        classifier = load_classifier(available("scene", "adversary", None), original.device)
        pushed: list[NetworkObjective] = [
            FeaturePushing(detector.name, partial(_detectors_features, detector), original),
            FeaturePushing(classifier.name, partial(_classifiers_features, classifier), original),
        ]
        return [*super().objectives(policy, original, chance), *pushed]


def _detectors_features(detector: TwoStageDetector, images: Tensor) -> Sequence[Tensor]:
    return list(detector.look(images).features.values())


def _classifiers_features(classifier: Classifier, images: Tensor) -> Sequence[Tensor]:
    if not isinstance(classifier.model, DenseResNetClassifier):
        raise TypeError(f"{classifier.name} has no features that are known here")
    fitted = resized(images, classifier.side, classifier.side)
    return list(classifier.model.body((fitted - classifier.mean) / classifier.deviation).values())
