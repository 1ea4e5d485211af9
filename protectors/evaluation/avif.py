"""Sends photos through AVIF files: a format that no step of refinement sees, as some servers make it of uploaded photos."""

import io
from dataclasses import dataclass

from PIL import Image

from protectors.saving import Pixels, decoded

SPEED = 8
"""The encoder's speed, from 0 to 10. At the default of 6, a photo of 12 megapixels takes twice as long."""


@dataclass(frozen=True)
class AvifPipeline:
    """A server that keeps the photo's size and saves it as AVIF."""

    name: str
    quality: int

    def exact(self, pixels: Pixels) -> Pixels:
        """Return the pixels uint8 [H, W, 3] decoded from the file that is made of uint8 [H, W, 3]."""
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "AVIF", quality=self.quality, speed=SPEED, max_threads=1)
        return decoded(stream.getvalue())
