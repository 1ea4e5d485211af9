"""Tests that a perturbation is applied at native size just as strongly as needed, and never silently below the floor."""

from collections.abc import Callable

import numpy as np
import pytest
import skimage.data
import torch

from protectors.channel.exact import saved_as_jpeg
from protectors.colour_difference import mean_colour_difference
from protectors.judging.quality import Quality
from protectors.native import FAINTER, FULLER, STRIP, NativeResult, apply_at_native_size, enlarged, enlarged_rows, promising
from protectors.quality import as_pixels, psnr, reaches
from protectors.saving import Pixels, SavedFile
from tests.protectors.conftest import finish

PHOTO: Pixels = np.ascontiguousarray(skimage.data.coffee()[:96, :130])
PERTURBATION = 6 / 255 * torch.randn(1, 3, 48, 65, generator=torch.Generator().manual_seed(0)).sign()
LOW = Quality(0, 0, 0, 100)


def as_it_is(pixels: Pixels) -> SavedFile:
    return SavedFile(pixels.tobytes(), pixels)


def run(is_protected: Callable[[Pixels], bool], floor: Quality = LOW, save: Callable[[Pixels], SavedFile] = as_it_is) -> Pixels:
    made: NativeResult
    _, made = finish(apply_at_native_size(PHOTO, PERTURBATION, 8 / 255, is_protected, floor, save))
    assert made.pixels.shape == PHOTO.shape
    assert np.abs(made.pixels.astype(int) - PHOTO).max() <= 8
    assert np.array_equal(as_pixels(made.unrounded), made.pixels)
    file = save(made.pixels)
    assert (made.file is not None) == (is_protected(file.pixels) and reaches(PHOTO, file.pixels, floor))
    if made.file is not None:
        assert made.file.data == file.data
        assert np.array_equal(made.file.pixels, file.pixels)
    return made.pixels


def size(pixels: Pixels) -> float:
    return float(np.abs(pixels.astype(int) - PHOTO).mean())


def test_what_protects_at_once_stays_as_it_was_made() -> None:
    seen: list[Pixels] = []

    def is_protected(pixels: Pixels) -> bool:
        seen.append(pixels)
        return True

    assert np.array_equal(run(is_protected), seen[0])
    # One call is the run's, and one is the test's.
    assert len(seen) == 2


def test_it_grows_until_it_protects_and_goes_back_where_nothing_does() -> None:
    plain = size(run(lambda _: True))
    tried: list[float] = []

    def is_protected(pixels: Pixels) -> bool:
        tried.append(size(pixels))
        return tried[-1] > 1.1 * plain

    assert size(run(is_protected)) == tried[-1] > 1.1 * plain
    assert 2 < len(tried) <= len(FULLER) + 1
    assert size(run(lambda _: False)) == plain


def test_it_gets_fainter_until_it_is_above_the_floor() -> None:
    plain = run(lambda _: True)
    least = psnr(PHOTO, plain) + 2
    faint = run(lambda _: True, Quality(least, 0, 0, 100))
    assert psnr(PHOTO, faint) >= least
    assert FAINTER[-1] * size(plain) <= size(faint) < size(plain)


def test_the_floor_is_asked_of_what_is_saved() -> None:
    # The perturbed photo is above this floor before saving, but as a poor JPEG it is not at any share.
    floor = Quality(psnr(PHOTO, run(lambda _: True)) - 1, 0, 0, 100)
    assert np.array_equal(run(lambda _: True, floor), run(lambda _: True))

    assert psnr(PHOTO, poorly(PHOTO).pixels) < floor.psnr
    assert np.array_equal(run(lambda _: True, floor, poorly), run(lambda _: True))


@pytest.mark.parametrize("size", [(STRIP + 37, 90), (3 * STRIP, 3), (40, 41), (8, 9)])
def test_rows_are_enlarged_as_the_whole_is(size: tuple[int, int]) -> None:
    perturbation = torch.randn(1, 3, 40, 41, generator=torch.Generator().manual_seed(1))
    strips = [enlarged_rows(perturbation, size, top, min(top + STRIP, size[0])) for top in range(0, size[0], STRIP)]
    assert torch.allclose(torch.cat(strips, 2), enlarged(perturbation, size), atol=1e-5)


def test_a_tint_is_brought_below_the_floors_colour_difference() -> None:
    tint = torch.tensor([7.0, -7.0, 7.0]).reshape(1, 3, 1, 1).expand(1, 3, 48, 65) / 255

    def colours(limit: float) -> float:
        floor = Quality(0, 0, 0, limit)
        _, made = finish(apply_at_native_size(PHOTO, tint, 8 / 255, lambda _: True, floor, as_it_is))
        assert made.file is not None
        return mean_colour_difference(PHOTO, made.pixels)

    whole = colours(100)
    assert 0.3 * whole < colours(0.7 * whole) <= 0.7 * whole


def poorly(pixels: Pixels) -> SavedFile:
    return saved_as_jpeg(pixels, 20, subsampled=True)


def too_large(_: Pixels) -> None:
    return None


def test_ways_to_save_that_cannot_be_good_are_known_beforehand() -> None:
    assert promising(PHOTO, (poorly, too_large, as_it_is), Quality(36, 0, 0, 100)) == [as_it_is]
    assert promising(PHOTO, (poorly, too_large), Quality(36, 0, 0, 100)) == []


@pytest.mark.parametrize("last", [False, True])
def test_a_file_that_is_too_large_is_never_good(last: bool) -> None:
    _, made = finish(apply_at_native_size(PHOTO, PERTURBATION, 8 / 255, lambda _: True, LOW, too_large, last))
    assert made.file is None


def test_between_two_trials_it_can_be_cancelled() -> None:
    trials = apply_at_native_size(PHOTO, PERTURBATION, 8 / 255, lambda _: False, LOW, as_it_is)
    stages = [(next(trials).stage, next(trials).done) for _ in range(1)]
    assert stages == [("quality", 1)]
    trials.close()
    with pytest.raises(StopIteration):
        next(trials)


def test_the_file_that_was_judged_is_the_one_that_comes_back() -> None:
    saved: list[SavedFile] = []
    judged: list[Pixels] = []

    def save(pixels: Pixels) -> SavedFile:
        # Two files of the same pixels differ, so that only the judged one passes.
        saved.append(SavedFile(f"file {len(saved)}".encode(), pixels))
        return saved[-1]

    def is_protected(pixels: Pixels) -> bool:
        judged.append(pixels)
        return len(judged) > 1

    _, made = finish(apply_at_native_size(PHOTO, PERTURBATION, 8 / 255, is_protected, LOW, save))
    assert made.file is saved[-1]
    assert made.file.pixels is judged[-1]
    assert len(saved) == len(judged) == 2
