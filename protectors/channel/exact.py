"""The exact bytes that become of a photo on its way to people, decoded again. Verdicts are given on this, not on tensors."""

import torch
from PIL import Image
from torch import Tensor

from protectors.quality import as_pixels, as_tensor
from protectors.saving import Pixels, SavedFile, decoded, jpeg_of

JPEG_QUALITY = 98
"""The daemon's own quality for JPEG, at 4:4:4; a test holds the two together. At 95 the encoding alone takes a photo of fine
detail to an SSIM of .975, which would leave a cloak above the floor next to nothing."""


def saved_as_jpeg(pixels: Pixels, quality: int = JPEG_QUALITY, subsampled: bool = False) -> SavedFile:
    """Save uint8 [H, W, 3] as JPEG at 4:4:4, or ``subsampled`` at 4:2:0, and decode it again."""
    data = jpeg_of(Image.fromarray(pixels), quality, subsampled)
    return SavedFile(data, decoded(data))


def through_jpeg(pixels: Pixels, quality: int = JPEG_QUALITY, subsampled: bool = False) -> Pixels:
    """Return uint8 [H, W, 3] as decoded again after JPEG."""
    return saved_as_jpeg(pixels, quality, subsampled).pixels


def jpeg(images: Tensor, quality: int = JPEG_QUALITY, subsampled: bool = False) -> Tensor:
    """Send images [B, 3, H, W] through the daemon's own JPEG, or through another."""
    arrived = [as_tensor(through_jpeg(as_pixels(image[None]), quality, subsampled)) for image in images]
    return torch.cat(arrived).to(images.device)
