"""A deep-hashing encoder as an adversary: the binary code by which a reverse image search finds a photo's likes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


class HashEncoder:
    """Wraps a network that gives [B, bits] real values for normalised images of a fixed size; their signs are the code.

    Images of any size [B, 3, H, W] in [0, 1] are accepted and resized as a service would. ``centres`` [classes, bits] is the
    mean code of each class in the database that is searched.
    """

    def __init__(self, name: str, network: nn.Module, classes: Sequence[str], centres: Tensor, side: int) -> None:
        self.name = name
        self.network = network.eval().requires_grad_(False)
        self.classes = tuple(classes)
        self.side = side
        device = next(network.parameters()).device
        self.centres = centres.to(device)
        self.mean = torch.tensor(MEAN, device=device).view(1, 3, 1, 1)
        self.deviation = torch.tensor(DEVIATION, device=device).view(1, 3, 1, 1)

    @property
    def bits(self) -> int:
        return self.centres.shape[1]

    def outputs(self, images: Tensor) -> Tensor:
        """Real values [B, bits] before they are made a code; differentiable with respect to the images."""
        if images.shape[2:] != (self.side, self.side):
            images = functional.interpolate(
                images, (self.side, self.side), mode="bilinear", antialias=True, align_corners=False
            )
        outputs: Tensor = self.network((images - self.mean) / self.deviation)
        return outputs

    @torch.no_grad()
    def codes(self, images: Tensor) -> Tensor:
        """Codes [B, bits] of -1 and 1."""
        return binary(self.outputs(images))

    def scores(self, outputs: Tensor) -> Tensor:
        """How like each class [B, classes] outputs [B, bits] are: the inner product with its centre, a bit. Codes reach 1."""
        return outputs @ self.centres.T / self.bits

    @torch.no_grad()
    def read(self, images: Tensor) -> Tensor:
        """The labels [B] that a search retrieves: those of the nearest centres."""
        return self.scores(self.codes(images)).argmax(1)


def binary(outputs: Tensor) -> Tensor:
    """-1 and 1 for real values; zero counts as 1, so that every value has a bit."""
    return torch.where(outputs >= 0, 1.0, -1.0)


def hamming_distances(first: Tensor, second: Tensor) -> Tensor:
    """Bits [A, B] that differ between codes [A, bits] and [B, bits]."""
    return (first.shape[1] - first @ second.T) / 2
