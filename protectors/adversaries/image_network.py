"""A network with a fixed input size, for which photos of any size are resized and normalised as a service does."""

from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor, nn

from protectors.channel.resizing import resized

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's channels, which torchvision's networks expect and those trained here too."""


def normalised(images: Tensor) -> Tensor:
    """Normalise images [B, 3, H, W] in [0, 1] for a network; for training, before there is an ImageNetwork."""
    mean, deviation = (torch.tensor(value, device=images.device).view(1, 3, 1, 1) for value in (MEAN, DEVIATION))
    return (images - mean) / deviation


class ImageNetwork:
    """Wraps a network from normalised images of ``side`` pixels to [B, outputs].

    It accepts images [B, 3, H, W] of any size, in [0, 1] or 8-bit levels, and resizes them to the network's input (antialiased
    bilinear) as a service would.
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
        """Return the network's outputs [B, outputs]; differentiable with respect to the images."""
        fitted = resized(images, self.side, self.side)
        outputs: Tensor = self.model((fitted - self.mean) / self.deviation)
        return outputs
