"""What becomes of a photo on its way to people: the exact bytes, decoded again. Verdicts are given on this, not on tensors."""

import io
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from protectors.quality import as_pixels, as_tensor

Channel = Callable[[Tensor], Tensor]
"""From images [B, 3, H, W] in [0, 1] to those that arrive, of the same shape."""

JPEG_QUALITY = 95
"""The daemon's own quality for JPEG, at 4:4:4; a test holds the two together."""


def through_jpeg(pixels: NDArray[np.uint8], quality: int = JPEG_QUALITY, subsampled: bool = False) -> NDArray[np.uint8]:
    """uint8 [H, W, 3] as decoded again after JPEG at 4:4:4, or ``subsampled`` at 4:2:0."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling="4:2:0" if subsampled else "4:4:4")
    stream.seek(0)
    with Image.open(stream) as picture:
        return np.array(picture.convert("RGB"), dtype=np.uint8)


def as_they_are(images: Tensor) -> Tensor:
    """The channel of a lossless file."""
    return images


def jpeg(images: Tensor, quality: int = JPEG_QUALITY, subsampled: bool = False) -> Tensor:
    """The channel of the daemon's own JPEG, or of another."""
    arrived = [as_tensor(through_jpeg(as_pixels(image[None]), quality, subsampled)) for image in images]
    return torch.cat(arrived).to(images.device)
