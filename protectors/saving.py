"""Photos saved as files, in memory: the one use of Pillow's codecs by trials, by the models of sites and by archives."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
"""8-bit pixels: a photo [H, W, 3], unless another shape is named."""


@dataclass(frozen=True)
class SavedFile:
    """The bytes of a file, and the pixels uint8 [H, W, 3] that are decoded from them."""

    data: bytes
    pixels: Pixels


Save = Callable[[Pixels], SavedFile | None]
"""One way to save pixels uint8 [H, W, 3]; it returns None if the file is too large to be delivered."""


def jpeg_of(picture: Image.Image, quality: int, subsampled: bool) -> bytes:
    """Encode a picture as JPEG at 4:4:4, or ``subsampled`` at 4:2:0."""
    return _encoded(picture, "JPEG", quality=quality, subsampling="4:2:0" if subsampled else "4:4:4")


def webp_of(picture: Image.Image, quality: int) -> bytes:
    """Encode a picture as lossy WebP."""
    return _encoded(picture, "WEBP", quality=quality)


def avif_of(picture: Image.Image, quality: int, speed: int) -> bytes:
    """Encode a picture as AVIF, by one thread; ``speed`` is from 0 to 10."""
    return _encoded(picture, "AVIF", quality=quality, speed=speed, max_threads=1)


def decoded(data: bytes) -> Pixels:
    """Decode the bytes of a file to uint8 [H, W, 3]."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.array(picture.convert("RGB"), dtype=np.uint8)


def _encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()
