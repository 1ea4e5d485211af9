"""A network with a fixed input size as a service uses it: photos of any size are resized and normalised for it."""

from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor, nn

from protectors.channel.resizing import resized

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet's channels: what torchvision's networks expect, and so what is trained here too."""


def normalised(images: Tensor) -> Tensor:
    """[B, 3, H, W] in [0, 1] as networks read it; for training, where there is no ImageNetwork yet."""
    mean, deviation = (torch.tensor(value, device=images.device).view(1, 3, 1, 1) for value in (MEAN, DEVIATION))
    return (images - mean) / deviation


class ImageNetwork:
    """Wraps a network that gives [B, outputs] for normalised images of ``side`` pixels.

    Images of any size [B, 3, H, W] in [0, 1] are accepted; they are resized to the network's input (antialiased bilinear)
    as a service would.
    """

    def __init__(
        self,
        name: str,
        model: nn.Module,
        classes: Sequence[str],
        side: int,
        mean: Sequence[float] = MEAN,
        deviation: Sequence[float] = DEVIATION,
    ) -> None:
        self.name = name
        self.model = model.eval().requires_grad_(False)
        self.classes = tuple(classes)
        self.side = side
        self.device = next(chain(model.parameters(), model.buffers())).device
        self.mean = torch.tensor(mean, device=self.device).view(1, 3, 1, 1)
        self.deviation = torch.tensor(deviation, device=self.device).view(1, 3, 1, 1)

    def outputs(self, images: Tensor) -> Tensor:
        """What the network gives [B, outputs]; differentiable with respect to the images."""
        if images.shape[2:] != (self.side, self.side):
            images = resized(images, self.side, self.side)
        outputs: Tensor = self.model((images - self.mean) / self.deviation)
        return outputs
