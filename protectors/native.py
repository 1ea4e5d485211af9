"""Brings a change that was made at the working resolution onto the native pixels: as much of it as is needed, and no more than
looks well. Both are asked of the very pixels that will be delivered, saved and decoded again."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from protectors.base import Progress
from protectors.judging.quality import Quality
from protectors.optimisation import within
from protectors.quality import as_pixels, reaches

FULLER = (1.0, 1.15, 1.3)
"""What a change is multiplied by until it contents the adversaries: at the working resolution no more of it was made than was
needed there, and enlarging and saving take some. Where nothing contents them the first one stays."""

FAINTER = (0.95, 0.9, 0.85, 0.75, 0.65, 0.5, 0.4)
"""What a change is multiplied by until the photo is above its floor. Where even the last is not, it is not what lies below."""

Pixels = NDArray[np.uint8]

Saved = Callable[[Pixels], Pixels | None]
"""From pixels uint8 [H, W, 3] to those that are decoded from the file that they are saved as; None where that is too large."""

STRIP = 256
"""Rows that a change is enlarged for at a time, so that a photo of 120 megapixels does not need gigabytes for each trial."""


def enlarged(change: Tensor, native: Tensor) -> Tensor:
    """A change or picture [1, 3, h, w] at the working resolution, at that of the native photo [1, 3, H, W]."""
    if change.shape == native.shape:
        return change
    return functional.interpolate(change, (native.shape[2], native.shape[3]), mode="bilinear", align_corners=False)


def enlarged_rows(change: Tensor, native: Tensor, top: int, bottom: int) -> Tensor:
    """The rows from ``top`` to ``bottom`` of what ``enlarged`` makes, without the others."""
    if change.shape == native.shape:
        return change[:, :, top:bottom]
    rows = change.shape[2]
    places = (torch.arange(top, bottom, device=change.device) + 0.5) * (rows / native.shape[2]) - 0.5
    places = places.clamp(0, rows - 1)
    above = places.long()
    share = (places - above)[:, None]
    between = change[:, :, above] * (1 - share) + change[:, :, (above + 1).clamp(max=rows - 1)] * share
    return functional.interpolate(between, (bottom - top, native.shape[3]), mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class Change:
    """A change [1, 3, h, w] at the working resolution, for a native photo [1, 3, H, W], altered by ``radius`` at most."""

    native: Tensor
    change: Tensor
    radius: float

    def rows(self, share: float) -> Iterator[Tensor]:
        """The photo with so much of the change, some rows [1, 3, n, W] at a time, before it is put on 8-bit levels."""
        for top in range(0, self.native.shape[2], STRIP):
            native = self.native[:, :, top : top + STRIP]
            change = enlarged_rows(self.change, self.native, top, top + native.shape[2])
            yield within(native + share * change, native, self.radius)

    def pixels(self, share: float) -> Pixels:
        """The same, whole and on 8-bit levels: uint8 [H, W, 3]."""
        return np.concatenate([as_pixels(rows) for rows in self.rows(share)])


@dataclass(frozen=True)
class Brought:
    """A photo with a share of a change: uint8 [H, W, 3]. ``good`` says whether it contents the adversaries' judge and is above
    its floor, both as it will be delivered."""

    pixels: Pixels
    change: Change
    share: float
    good: bool

    @property
    def unrounded(self) -> Tensor:
        """What the photo was before it was put on 8-bit levels, [1, 3, H, W]."""
        return torch.cat(list(self.change.rows(self.share)), 2)


def promising(original: Pixels, ways: Sequence[Saved], floor: Quality) -> list[Saved]:
    """Of the ways to save a photo uint8 [H, W, 3], those that leave it above its floor before anything is changed.

    Where there is none, no cloak can be delivered, and none needs to be made.
    """
    return [way for way in ways if (arrived := way(original)) is not None and reaches(original, arrived, floor)]


def brought(
    native: Tensor,
    change: Tensor,
    radius: float,
    contents: Callable[[Pixels], bool],
    floor: Quality,
    saved: Saved,
    last: bool = True,
) -> Generator[Progress, None, Brought]:
    """The native photo [1, 3, H, W] with the change [1, 3, h, w]; yields progress between two trials.

    Args:
        contents: whether saved pixels content the adversaries.
        floor: what the saved pixels have to reach.
        saved: how the photo will be delivered.
        last: whether there is no other way to save it. Otherwise no time is spent on making good what contents nobody.
    """
    original, own = as_pixels(native), Change(native, change, radius)
    trials = len(FULLER) + len(FAINTER)
    full, content = FULLER[0], False
    for number, share in enumerate(FULLER):
        yield Progress("quality", number, trials)
        arrived = saved(own.pixels(share))
        if arrived is None:
            break
        if contents(arrived):
            full, content = share, True
            break
    if content or last:
        for number, share in enumerate((1.0, *FAINTER)):
            yield Progress("quality", len(FULLER) + number, trials)
            pixels = own.pixels(full * share)
            arrived = saved(pixels)
            if arrived is not None and reaches(original, arrived, floor):
                good = content and (share == 1.0 or contents(arrived))
                return Brought(pixels, own, full * share, good)
    # No faintness helps a photo that saving alone takes below its floor.
    return Brought(own.pixels(full), own, full, False)
