"""A classifier as an adversary, with differentiable class probabilities of a whole photo."""

import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.image_network import ImageNetwork
from protectors.adversaries.reading import Reading


class Classifier(ImageNetwork):
    """A network whose outputs are logits [B, classes]."""

    def logits(self, images: Tensor) -> Tensor:
        """Return logits [B, classes]; differentiable with respect to the images."""
        return self.outputs(images)

    @torch.no_grad()
    def read(self, images: Tensor) -> Tensor:
        """Return class probabilities [B, classes]."""
        return functional.softmax(self.logits(images), 1)

    def readings(self, images: Tensor) -> list[Reading]:
        """Return the class that is read first in each image."""
        return [Reading((self.classes[label],)) for label in self.read(images).argmax(1).tolist()]
