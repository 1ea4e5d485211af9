"""Brings a change that was made at the working resolution onto the native pixels: as much of it as is needed, and no more than
looks well. Both are asked of the very pixels that will be delivered, saved and decoded again."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from protectors.base import Progress
from protectors.optimisation import within
from protectors.quality import Quality, as_pixels, reaches

FULLER = (1.0, 1.15, 1.3)
"""What a change is multiplied by until it contents the adversaries: at the working resolution no more of it was made than was
needed there, and enlarging and saving take some. Where nothing contents them the first one stays."""

FAINTER = (0.95, 0.9, 0.85, 0.75, 0.65, 0.5, 0.4)
"""What a change is multiplied by until the photo is above its floor. Where even the last is not, it is not what lies below."""

Pixels = NDArray[np.uint8]

Saved = Callable[[Pixels], Pixels]
"""From pixels uint8 [H, W, 3] to those that are decoded from the file that they are saved as."""


def enlarged(change: Tensor, native: Tensor) -> Tensor:
    """A change or picture [1, 3, h, w] at the working resolution, at that of the native photo [1, 3, H, W]."""
    if change.shape == native.shape:
        return change
    return functional.interpolate(change, (native.shape[2], native.shape[3]), mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class Brought:
    """A photo with a change: uint8 [H, W, 3]. ``unrounded`` [1, 3, H, W] is what it was before it was put on 8-bit levels;
    ``good`` says whether it contents the adversaries' judge and is above its floor, both as it will be delivered."""

    pixels: Pixels
    unrounded: Tensor
    good: bool


def brought(
    native: Tensor, change: Tensor, radius: float, contents: Callable[[Pixels], bool], floor: Quality, saved: Saved
) -> Generator[Progress, None, Brought]:
    """The native photo [1, 3, H, W] with the change [1, 3, h, w]; yields progress between two trials.

    Args:
        contents: whether saved pixels content the adversaries.
        floor: what the saved pixels have to reach.
        saved: how the photo will be delivered.
    """
    original, large = as_pixels(native), enlarged(change, native)
    trials = len(FULLER) + len(FAINTER)

    def made(share: float) -> Tensor:
        return within(native + share * large, native, radius)

    full, content = FULLER[0], False
    for number, share in enumerate(FULLER):
        yield Progress("quality", number, trials)
        if contents(saved(as_pixels(made(share)))):
            full, content = share, True
            break
    for number, share in enumerate((1.0, *FAINTER)):
        yield Progress("quality", len(FULLER) + number, trials)
        unrounded = made(full * share)
        pixels = as_pixels(unrounded)
        arrived = saved(pixels)
        if reaches(original, arrived, floor):
            return Brought(pixels, unrounded, content and (share == 1.0 or contents(arrived)))
    # No faintness helps a photo that saving alone takes below its floor.
    return Brought(as_pixels(made(full)), made(full), False)
