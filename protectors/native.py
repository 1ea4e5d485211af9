"""Applies a perturbation made at the working resolution to the native pixels, scaled to protect and to stay above the floor.
Both are checked on the pixels decoded from the file that will be delivered."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from protectors.judging.quality import Quality
from protectors.optimisation import within
from protectors.progress import Progress
from protectors.quality import as_pixels, as_tensor, reaches
from protectors.saving import Pixels, Save, SavedFile

FULLER = (1.0, 1.15, 1.3)
"""Factors on a perturbation, tried until the photo is protected: enlarging and saving weaken a perturbation that was just
large enough at the working resolution. If none protects, the first one is used."""

FAINTER = (0.95, 0.9, 0.85, 0.75, 0.65, 0.5, 0.4)
"""Further factors, tried until the photo is above its floor. If even the last is too large, saving alone misses the floor."""

STRIP = 256
"""Rows that are enlarged at a time: a whole photo of 120 megapixels would need gigabytes for each trial."""


Size = tuple[int, int]
"""Height and width."""


def enlarged(images: Tensor, size: Size) -> Tensor:
    """Enlarge a perturbation or picture [1, 3, h, w] to a native photo's size."""
    if images.shape[2:] == size:
        return images
    return functional.interpolate(images, size, mode="bilinear", align_corners=False)


def enlarged_rows(images: Tensor, size: Size, top: int, bottom: int) -> Tensor:
    """Return the rows from ``top`` to ``bottom`` of ``enlarged``'s result, without computing the others."""
    if images.shape[2:] == size:
        return images[:, :, top:bottom]
    rows, (height, width) = images.shape[2], size
    places = (torch.arange(top, bottom, device=images.device) + 0.5) * (rows / height) - 0.5
    places = places.clamp(0, rows - 1)
    above = places.long()
    share = (places - above)[:, None]
    between = images[:, :, above] * (1 - share) + images[:, :, (above + 1).clamp(max=rows - 1)] * share
    return functional.interpolate(between, (bottom - top, width), mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class NativePerturbation:
    """A perturbation [1, 3, h, w] at the working resolution for a native photo uint8 [H, W, 3], bounded by ``radius``.

    The photo is turned into floats by strips: as a whole, one of twelve megapixels would take 144 MB.
    """

    native: Pixels
    perturbation: Tensor
    radius: float

    @property
    def size(self) -> Size:
        """The native photo's."""
        return self.native.shape[0], self.native.shape[1]

    def enlarged_rows(self, top: int, bottom: int) -> Tensor:
        """Return rows of the perturbation at the native size."""
        return enlarged_rows(self.perturbation, self.size, top, bottom)

    def rows(self, share: float) -> Iterator[Tensor]:
        """Yield the photo with a share of the perturbation, rows [1, 3, n, W] at a time, before rounding to 8-bit levels."""
        for top in range(0, self.size[0], STRIP):
            native = as_tensor(self.native[top : top + STRIP]).to(self.perturbation.device)
            perturbation = self.enlarged_rows(top, top + native.shape[2])
            yield within(native + share * perturbation, native, self.radius)

    def pixels(self, share: float) -> Pixels:
        """Return the photo with a share of the perturbation, rounded to uint8 [H, W, 3]."""
        return np.concatenate([as_pixels(rows) for rows in self.rows(share)])


@dataclass(frozen=True)
class NativeResult:
    """A photo uint8 [H, W, 3] with a share of a perturbation.

    ``file`` is the saved form that was found good; None if no file was.
    """

    pixels: Pixels
    perturbation: NativePerturbation
    share: float
    file: SavedFile | None

    @property
    def unrounded(self) -> Tensor:
        """The photo [1, 3, H, W] before rounding to 8-bit levels."""
        return torch.cat(list(self.perturbation.rows(self.share)), 2)


def promising(original: Pixels, saves: Sequence[Save], floor: Quality) -> list[Save]:
    """Return the ways to save a photo uint8 [H, W, 3] that keep the unchanged photo above its floor.

    If there is none, no cloak can be delivered, so none needs to be made.
    """
    return [save for save in saves if (file := save(original)) is not None and reaches(original, file.pixels, floor)]


def apply_at_native_size(
    original: Pixels,
    perturbation: Tensor,
    radius: float,
    is_protected: Callable[[Pixels], bool],
    floor: Quality,
    save: Save,
    last: bool = True,
) -> Generator[Progress, None, NativeResult]:
    """Apply a perturbation [1, 3, h, w] to the native photo uint8 [H, W, 3]. Yields progress before each trial.

    Args:
        is_protected: whether the decoded pixels of a file fool the adversaries.
        floor: the quality that the decoded pixels have to reach.
        save: how the photo will be delivered.
        last: whether no other way to save it remains. Only then is an unprotected photo brought above its floor.
    """
    whole = NativePerturbation(original, perturbation, radius)
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
            # The file of the trial that protected is reused once, then dropped to free its memory.
            file, kept = kept or save(pixels), None
            if file is not None and reaches(original, file.pixels, floor):
                good = protected and (share == 1.0 or is_protected(file.pixels))
                return NativeResult(pixels, whole, full * share, file if good else None)
    # No share helps a photo that saving alone takes below its floor.
    return NativeResult(whole.pixels(full), whole, full, None)
