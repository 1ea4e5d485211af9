"""Runs protectors to their end, and reads photos back in the forms in which they are delivered: judging sees nothing else."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from protectors.base import Budget, Outcome, Protector

JPEG_QUALITY = 95
"""The daemon's own quality for JPEG, at 4:4:4; a test holds the two together."""


def through_jpeg(pixels: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> NDArray[np.uint8]:
    """uint8 [H, W, 3] as decoded again after JPEG at 4:4:4."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling=0)
    stream.seek(0)
    with Image.open(stream) as picture:
        return np.array(picture.convert("RGB"), dtype=np.uint8)


def outcome_of(protector: Protector, originals: Tensor, budget: Budget) -> Outcome:
    """What a protector makes of images [B, 3, H, W]; its progress is not looked at."""
    run = protector.protect(originals, budget)
    while True:
        try:
            next(run)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
