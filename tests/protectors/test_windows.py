"""Tests the windows that represent a large photo in the search for the share of its perturbation."""

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from protectors.channel.exact import saved_as_jpeg
from protectors.native import NativePerturbation
from protectors.quality import measured
from protectors.saving import Pixels, SavedFile
from protectors.windows import BLOCK, COLUMNS, ROWS, SIDE, PhotoWindows, Spread, WindowedPhoto

RADIUS = 16 / 255


def large() -> Pixels:
    """Return a photo with a flat left half, so that windows differ much."""
    picture = Image.fromarray(skimage.data.astronaut()).resize((1792, 1024), Image.Resampling.LANCZOS)
    made = np.array(picture)
    made[:, :896] = 200
    return np.ascontiguousarray(made)


def test_windows_lie_inside_on_the_grid_of_blocks_and_apart() -> None:
    spread = Spread.over(1024, 1792)
    places = {(top, left) for top, lefts in zip(spread.tops, spread.lefts, strict=True) for left in lefts}
    assert len(places) == ROWS * COLUMNS
    assert all(top % BLOCK == left % BLOCK == 0 for top, left in places)
    assert all(0 <= top <= 1024 - SIDE and 0 <= left <= 1792 - SIDE for top, left in places)


def test_the_mosaic_holds_the_windows_as_they_are() -> None:
    photo = large()
    spread, windows = Spread.over(1024, 1792), PhotoWindows(photo)
    top, left = spread.tops[3], spread.lefts[3][9]
    found = windows.original[3 * SIDE : 4 * SIDE, 9 * SIDE : 10 * SIDE]
    assert np.array_equal(found, photo[top : top + SIDE, left : left + SIDE])


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_the_quality_of_windows_is_about_that_of_the_whole(share: float) -> None:
    photo = large()
    chance = torch.Generator().manual_seed(1)
    smooth = torch.nn.functional.interpolate(torch.randn(1, 3, 60, 105, generator=chance), (366, 640), mode="bilinear")
    whole = NativePerturbation(photo, 0.03 * smooth, RADIUS)
    windows = PhotoWindows(photo)
    file = saved_as_jpeg(photo)
    without = windows.quality(windows.of(file.pixels))
    told = WindowedPhoto(windows, whole).quality(share, saved_as_jpeg, without)
    exact = measured(photo, saved_as_jpeg(whole.pixels(share)).pixels)
    assert told is not None
    assert told.psnr == pytest.approx(exact.psnr, abs=0.3)
    assert told.ssim == pytest.approx(exact.ssim, abs=0.02)
    assert told.fsim == pytest.approx(exact.fsim, abs=0.005)
    assert told.delta_e == pytest.approx(exact.delta_e, rel=0.15)


def test_no_quality_is_told_where_there_is_no_file() -> None:
    photo = large()
    windows = PhotoWindows(photo)
    whole = NativePerturbation(photo, torch.zeros(1, 3, 16, 28), RADIUS)

    def too_large(_: Pixels) -> SavedFile | None:
        return None

    assert WindowedPhoto(windows, whole).quality(1.0, too_large, windows.quality(windows.original)) is None
