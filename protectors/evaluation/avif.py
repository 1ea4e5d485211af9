"""Sends photos through AVIF files: a format that no step of refinement sees, as some servers make it of uploaded photos."""

from dataclasses import dataclass

from PIL import Image

from protectors.saving import Pixels, avif_of, decoded

SPEED = 8
"""The encoder's speed, from 0 to 10. At the default of 6, a photo of 12 megapixels takes twice as long."""


@dataclass(frozen=True)
class AvifPipeline:
    """A server that keeps the photo's size and saves it as AVIF."""

    name: str
    quality: int

    def exact(self, pixels: Pixels) -> Pixels:
        """Return the pixels uint8 [H, W, 3] decoded from the file that is made of uint8 [H, W, 3]."""
        return decoded(avif_of(Image.fromarray(pixels), self.quality, SPEED))
