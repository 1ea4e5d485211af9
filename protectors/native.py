"""Applies a perturbation that was made at the working resolution to the native pixels: as much of it as is needed, and no more
than looks well. Both are asked of the very file that will be delivered: saved, and decoded again."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from protectors.judging.quality import Quality
from protectors.optimisation import within
from protectors.progress import Progress
from protectors.quality import as_pixels, reaches
from protectors.saving import Pixels, Save, SavedFile

FULLER = (1.0, 1.15, 1.3)
"""Factors that a perturbation is multiplied by until the photo is protected: at the working resolution no more of it was made
than was needed there, and enlarging and saving take some. Where none protects, the first one stays."""

FAINTER = (0.95, 0.9, 0.85, 0.75, 0.65, 0.5, 0.4)
"""Factors that it is multiplied by until the photo is above its floor. Where even the last is not enough, the floor is not
missed because of the perturbation."""

STRIP = 256
"""Rows that a perturbation is enlarged for at a time, lest a photo of 120 megapixels need gigabytes for each trial."""


def enlarged(images: Tensor, native: Tensor) -> Tensor:
    """Enlarge a perturbation or picture [1, 3, h, w] at the working resolution to that of the native photo [1, 3, H, W]."""
    if images.shape == native.shape:
        return images
    return functional.interpolate(images, (native.shape[2], native.shape[3]), mode="bilinear", align_corners=False)


def enlarged_rows(images: Tensor, native: Tensor, top: int, bottom: int) -> Tensor:
    """Return the rows from ``top`` to ``bottom`` of what ``enlarged`` makes, without making the others."""
    if images.shape == native.shape:
        return images[:, :, top:bottom]
    rows = images.shape[2]
    places = (torch.arange(top, bottom, device=images.device) + 0.5) * (rows / native.shape[2]) - 0.5
    places = places.clamp(0, rows - 1)
    above = places.long()
    share = (places - above)[:, None]
    between = images[:, :, above] * (1 - share) + images[:, :, (above + 1).clamp(max=rows - 1)] * share
    return functional.interpolate(between, (bottom - top, native.shape[3]), mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class NativePerturbation:
    """A perturbation [1, 3, h, w] at the working resolution, for a native photo [1, 3, H, W], changed by ``radius`` at most."""

    native: Tensor
    perturbation: Tensor
    radius: float

    def rows(self, share: float) -> Iterator[Tensor]:
        """Yield the photo with a share of the perturbation, rows [1, 3, n, W] at a time, before it is put on 8-bit levels."""
        for top in range(0, self.native.shape[2], STRIP):
            native = self.native[:, :, top : top + STRIP]
            perturbation = enlarged_rows(self.perturbation, self.native, top, top + native.shape[2])
            yield within(native + share * perturbation, native, self.radius)

    def pixels(self, share: float) -> Pixels:
        """Return the photo with a share of the perturbation, whole and on 8-bit levels: uint8 [H, W, 3]."""
        return np.concatenate([as_pixels(rows) for rows in self.rows(share)])


@dataclass(frozen=True)
class NativeResult:
    """A photo uint8 [H, W, 3] with a share of a perturbation.

    ``file`` is how it was saved when it was found to be protected and above its floor; None where it is not both.
    """

    pixels: Pixels
    perturbation: NativePerturbation
    share: float
    file: SavedFile | None

    @property
    def unrounded(self) -> Tensor:
        """The photo before it was put on 8-bit levels, [1, 3, H, W]."""
        return torch.cat(list(self.perturbation.rows(self.share)), 2)


def promising(original: Pixels, saves: Sequence[Save], floor: Quality) -> list[Save]:
    """Return those ways to save a photo uint8 [H, W, 3] that leave it above its floor before anything is changed.

    Where there is none, no cloak can be delivered, and none needs to be made.
    """
    return [save for save in saves if (file := save(original)) is not None and reaches(original, file.pixels, floor)]


def apply_at_native_size(
    native: Tensor,
    perturbation: Tensor,
    radius: float,
    is_protected: Callable[[Pixels], bool],
    floor: Quality,
    save: Save,
    last: bool = True,
) -> Generator[Progress, None, NativeResult]:
    """Apply a perturbation [1, 3, h, w] to the native photo [1, 3, H, W]; yields progress between two trials.

    Args:
        is_protected: whether the pixels of a file fool the adversaries.
        floor: what the pixels of a file have to reach.
        save: how the photo will be delivered.
        last: whether there is no other way to save it. Otherwise no time is spent on making good what is not protected.
    """
    original, whole = as_pixels(native), NativePerturbation(native, perturbation, radius)
    trials = len(FULLER) + len(FAINTER)
    full, kept = FULLER[0], None
    for number, share in enumerate(FULLER):
        yield Progress("quality", number, trials)
        file = save(whole.pixels(share))
        if file is None:
            break
        if is_protected(file.pixels):
            full, kept = share, file
            break
    protected = kept is not None
    if protected or last:
        for number, share in enumerate((1.0, *FAINTER)):
            yield Progress("quality", len(FULLER) + number, trials)
            pixels = whole.pixels(full * share)
            # The trial that protected is not saved again, nor kept longer than it is of use.
            file, kept = kept or save(pixels), None
            if file is not None and reaches(original, file.pixels, floor):
                good = protected and (share == 1.0 or is_protected(file.pixels))
                return NativeResult(pixels, whole, full * share, file if good else None)
    # No faintness helps a photo that saving alone takes below its floor.
    return NativeResult(whole.pixels(full), whole, full, None)
