"""A differentiable model of lossy WebP, for optimising.

WebP predicts each block from its neighbours, as video coders do, and quantises the rest. The choice of prediction has no
gradient. So the values here are the real file's, and only the gradient is modelled, as that of a JPEG of similar loss with
chroma at half the resolution (a straight-through estimator: Bengio et al., 2013).
"""

import torch
from PIL import Image
from torch import Tensor

from protectors.channel.jpeg import compressed
from protectors.quality import as_pixels, as_tensor
from protectors.saving import Pixels, decoded, webp_of

HARSHER = 10
"""Difference between WebP's and JPEG's quality at about the same loss."""


def compressed_webp(images: Tensor, quality: int) -> Tensor:
    """Compress images [B, 3, H, W] in [0, 1] by lossy WebP; the values are exact, the gradient is JPEG's."""
    model = compressed(images, max(1, quality - HARSHER))
    with torch.no_grad():
        arrived = torch.cat([as_tensor(through_webp(as_pixels(image[None]), quality)) for image in images]).to(images)
    return arrived + model - model.detach()


def through_webp(pixels: Pixels, quality: int) -> Pixels:
    """Return the pixels uint8 [H, W, 3] that are decoded after saving as lossy WebP."""
    return decoded(webp_of(Image.fromarray(pixels), quality))
