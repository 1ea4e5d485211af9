"""The processing of a photo by one site: resizing, encoding, and perhaps a second site's processing.

A pipeline is data (``sites.json`` in this folder has each site's) with two implementations: ``exact`` makes real files, for
judging; ``model`` is differentiable, for optimising. Sites do not publish their code: this is the best public knowledge of it.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

from PIL import Image
from torch import Tensor

from protectors.channel.jpeg import compressed
from protectors.channel.resizing import Kernel, resampled
from protectors.channel.webp import compressed_webp
from protectors.saving import Pixels, decoded, jpeg_of, webp_of

Encoding = Literal["jpeg", "webp"]

RESAMPLING: dict[Kernel, Image.Resampling] = {
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

POSSIBLE = {"encoding": ("jpeg", "webp"), "subsampling": ("4:2:0", "4:4:4")}
"""Allowed values in a site's entry, with the default first."""

QUALITIES = (1, 95)
"""Range in which a site searches the quality that keeps a file below its limit."""


@dataclass(frozen=True)
class Pipeline:
    """One site's processing. ``longest`` side in pixels and ``megapixels`` bound the size, and ``scale`` shrinks any photo.
    With ``most_bytes``, the site takes the best quality that keeps the file below it. ``then`` is a second site's
    processing."""

    name: str
    quality: int = 85
    encoding: Encoding = "jpeg"
    subsampled: bool = True
    longest: int | None = None
    megapixels: float | None = None
    scale: float = 1.0
    most_bytes: int | None = None
    kernel: Kernel = "bicubic"
    then: "Pipeline | None" = None

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100 or not 0 < self.scale <= 1:
            raise ValueError(f"{self.name}: a quality lies between 1 and 100, a scale above 0 and at most at 1")

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width after processing."""
        scale = self.scale
        if self.longest:
            scale = min(scale, self.longest / max(height, width))
        if self.megapixels:
            scale = min(scale, math.sqrt(self.megapixels * 1e6 / (height * width)))
        return (height, width) if scale >= 1 else (max(1, round(height * scale)), max(1, round(width * scale)))

    def exact(self, pixels: Pixels) -> Pixels:
        """Return the pixels uint8 [h, w, 3] decoded from the file that the site makes of uint8 [H, W, 3]."""
        height, width = self.size(*pixels.shape[:2])
        picture = Image.fromarray(pixels)
        if (height, width) != pixels.shape[:2]:
            picture = picture.resize((width, height), RESAMPLING[self.kernel])
        arrived = decoded(self._file(picture))
        return self.then.exact(arrived) if self.then else arrived

    def _file(self, picture: Image.Image) -> bytes:
        best = self._encoded(picture, self.quality)
        if self.most_bytes is None or len(best) <= self.most_bytes:
            return best
        low, high = QUALITIES[0], min(self.quality, QUALITIES[1])
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if len(self._encoded(picture, middle)) <= self.most_bytes else (low, middle - 1)
        return self._encoded(picture, low)

    def _encoded(self, picture: Image.Image, quality: int) -> bytes:
        return webp_of(picture, quality) if self.encoding == "webp" else jpeg_of(picture, quality, self.subsampled)

    def model(self, images: Tensor) -> Tensor:
        """Process images [B, 3, H, W] in [0, 1] to [B, 3, h, w]; differentiable. ``most_bytes`` is ignored."""
        height, width = self.size(*images.shape[2:])
        made = images if (height, width) == images.shape[2:] else resampled(images, height, width, self.kernel)
        if self.encoding == "webp":
            made = compressed_webp(made, self.quality)
        else:
            made = compressed(made, self.quality, self.subsampled)
        return self.then.model(made) if self.then else made


def of_site(channel: dict[str, Any]) -> Pipeline:
    """Return the pipeline that an entry of sites.json describes.

    Raises:
        ValueError: a value of the entry is not allowed.
    """
    searched = channel.get("bytes")
    for key, possible in POSSIBLE.items():
        if channel.get(key, possible[0]) not in possible:
            raise ValueError(f"{channel['name']}: {key} can be {' or '.join(possible)}, not {channel[key]}")
    return Pipeline(
        name=channel["name"],
        # A site that searches the quality starts at the best one.
        quality=channel.get("quality", QUALITIES[1] if searched else 85),
        encoding=channel.get("encoding", "jpeg"),
        subsampled=channel.get("subsampling", "4:2:0") == "4:2:0",
        longest=channel.get("longest"),
        megapixels=channel.get("megapixels"),
        most_bytes=searched,
    )


def twice(first: Pipeline, second: Pipeline) -> Pipeline:
    """Return the processing of a photo that is posted on one site, saved there, and posted on another."""
    return replace(first, name=f"{first.name}_{second.name}", then=second)
