"""Lossy WebP as a differentiable model, for optimising what shall survive it.

WebP predicts each block from its neighbours, as video coders do, and quantises what is left; which prediction is taken no
gradient tells. So the values here are the real file's, and only the gradient is a model's: that of chroma at half the
resolution and of a transform quantised in steps that suit the quality (straight through, as Bengio et al. pass on gradients
of hard units, 2013).
"""

import torch
from PIL import Image
from torch import Tensor

from protectors.channel.jpeg import compressed
from protectors.quality import as_pixels, as_tensor
from protectors.saving import Pixels, decoded, webp_of

HARSHER = 10
"""By how much JPEG's quality lies below WebP's where both lose about as much."""


def compressed_webp(images: Tensor, quality: int) -> Tensor:
    """Images [B, 3, H, W] in [0, 1] as they look after lossy WebP; the values are exact, the gradient is JPEG's."""
    model = compressed(images, max(1, quality - HARSHER))
    with torch.no_grad():
        arrived = torch.cat([as_tensor(through_webp(as_pixels(image[None]), quality)) for image in images]).to(images)
    return arrived + model - model.detach()


def through_webp(pixels: Pixels, quality: int) -> Pixels:
    """uint8 [H, W, 3] as decoded again after lossy WebP."""
    return decoded(webp_of(Image.fromarray(pixels), quality))
