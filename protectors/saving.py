"""Photos saved as files, in memory: a trial keeps the bytes together with the pixels that are decoded from them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class SavedFile:
    """The bytes of a file, and the pixels uint8 [H, W, 3] that are decoded from them."""

    data: bytes
    pixels: Pixels


Save = Callable[[Pixels], SavedFile | None]
"""One way to save pixels uint8 [H, W, 3]; None where the file is too large to be delivered."""
