"""A deep-hashing encoder as an adversary: its binary codes let a reverse image search find similar photos."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from protectors.adversaries.image_network import ImageNetwork
from protectors.adversaries.reading import Reading


class HashEncoder(ImageNetwork):
    """A network whose outputs are real values [B, bits]; their signs are the code.

    ``centres`` [classes, bits] holds the mean code of each class in the searched database.
    """

    def __init__(self, name: str, network: nn.Module, classes: Sequence[str], centres: Tensor, side: int) -> None:
        super().__init__(name, network, classes, side)
        self.centres = centres.to(self.device)

    @property
    def bits(self) -> int:
        return self.centres.shape[1]

    @torch.no_grad()
    def codes(self, images: Tensor) -> Tensor:
        """Return codes [B, bits] of -1 and 1."""
        return binary(self.outputs(images))

    def scores(self, outputs: Tensor) -> Tensor:
        """Return the similarity [B, classes] of outputs [B, bits] to each class: the mean product with its centre's bits."""
        return outputs @ self.centres.T / self.bits

    @torch.no_grad()
    def read(self, images: Tensor) -> Tensor:
        """Return the labels [B] that a search retrieves: those of the nearest centres."""
        return self.scores(self.codes(images)).argmax(1)

    def readings(self, images: Tensor) -> list[Reading]:
        """Return the class that a search retrieves for each image."""
        return [Reading((self.classes[label],)) for label in self.read(images).tolist()]


def binary(outputs: Tensor) -> Tensor:
    """Return the signs -1 and 1 of real values; zero counts as 1, so that every value has a bit."""
    return 2 * (outputs >= 0).to(outputs.dtype) - 1


def hamming_distances(first: Tensor, second: Tensor) -> Tensor:
    """Return the number of bits [A, B] that differ between codes [A, bits] and [B, bits]."""
    return (first.shape[1] - first @ second.T) / 2
