"""Resizing as services do it to what they are sent: bilinear, with what is lost averaged in."""

from torch import Tensor
from torch.nn import functional


def resized(images: Tensor, height: int, width: int) -> Tensor:
    """Images [B, 3, H, W] at another size; differentiable."""
    return functional.interpolate(images, (height, width), mode="bilinear", antialias=True, align_corners=False)
