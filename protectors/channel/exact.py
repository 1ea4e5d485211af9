"""Sends photos through real JPEG files. Verdicts are given on the decoded files, not on tensors."""

import torch
from PIL import Image
from torch import Tensor

from protectors.quality import as_pixels, as_tensor
from protectors.saving import Pixels, SavedFile, decoded, jpeg_of

JPEG_QUALITY = 98
"""The daemon's JPEG quality, at 4:4:4; a test checks that the two agree. At 95, encoding alone takes a photo of fine detail to
an SSIM of .975, which would leave almost nothing for a cloak."""


def saved_as_jpeg(pixels: Pixels, quality: int = JPEG_QUALITY, subsampled: bool = False) -> SavedFile:
    """Save uint8 [H, W, 3] as JPEG at 4:4:4, or ``subsampled`` at 4:2:0, and decode the file."""
    data = jpeg_of(Image.fromarray(pixels), quality, subsampled)
    return SavedFile(data, decoded(data))


def through_jpeg(pixels: Pixels, quality: int = JPEG_QUALITY, subsampled: bool = False) -> Pixels:
    """Return the pixels uint8 [H, W, 3] that are decoded after saving as JPEG."""
    return saved_as_jpeg(pixels, quality, subsampled).pixels


def jpeg(images: Tensor, quality: int = JPEG_QUALITY, subsampled: bool = False) -> Tensor:
    """Send images [B, 3, H, W] through JPEG files, by default the daemon's."""
    arrived = [as_tensor(through_jpeg(as_pixels(image[None]), quality, subsampled)) for image in images]
    return torch.cat(arrived).to(images.device)
