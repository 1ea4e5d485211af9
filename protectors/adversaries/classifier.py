"""A classifier as an adversary: class probabilities of a whole photo, differentiable."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Classifier:
    """Wraps a network that gives logits [B, classes] for normalised images of a fixed size.

    Images of any size [B, 3, H, W] in [0, 1] are accepted; they are resized to the network's input (antialiased bilinear)
    as a service would.
    """

    def __init__(
        self,
        name: str,
        model: nn.Module,
        classes: Sequence[str],
        side: int,
        mean: Sequence[float] = (0.485, 0.456, 0.406),
        deviation: Sequence[float] = (0.229, 0.224, 0.225),
    ) -> None:
        self.name = name
        self.model = model.eval().requires_grad_(False)
        self.classes = tuple(classes)
        self.side = side
        device = next(model.parameters()).device
        self.mean = torch.tensor(mean, device=device).view(1, 3, 1, 1)
        self.deviation = torch.tensor(deviation, device=device).view(1, 3, 1, 1)

    def logits(self, images: Tensor) -> Tensor:
        """Logits [B, classes]; differentiable with respect to the images."""
        if images.shape[2:] != (self.side, self.side):
            images = functional.interpolate(
                images, (self.side, self.side), mode="bilinear", antialias=True, align_corners=False
            )
        logits: Tensor = self.model((images - self.mean) / self.deviation)
        return logits

    @torch.no_grad()
    def read(self, images: Tensor) -> Tensor:
        """Class probabilities [B, classes]."""
        return functional.softmax(self.logits(images), 1)
