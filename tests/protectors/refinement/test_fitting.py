"""Tests that a perturbation is fitted to the floor in the file that will be delivered."""

from collections.abc import Callable

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from torch import Tensor

from protectors.channel.exact import saved_as_jpeg
from protectors.judging.judge import Judge
from protectors.names import OBJECTS
from protectors.policy import FLOORS, Policy
from protectors.progress import end_of
from protectors.quality import measured
from protectors.refinement.fitting import LARGEST_SHARE, FloorFitting
from protectors.saving import Pixels, SavedFile
from protectors.windows import LARGE

RADIUS = 16 / 255
FLOOR = FLOORS["balanced"]


def photo(width: int, height: int) -> Pixels:
    picture = Image.fromarray(skimage.data.coffee()).resize((width, height), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.array(picture))


def perturbation(height: int, width: int) -> Tensor:
    """Return a perturbation that is smooth, as the refinement's are, and too large for any floor."""
    small = torch.randn(1, 3, height // 4, width // 4, generator=torch.Generator().manual_seed(0))
    return 0.05 * torch.nn.functional.interpolate(small, (height, width), mode="bilinear", align_corners=False)


def fitting(pixels: Pixels, *saves: Callable[[Pixels], SavedFile | None]) -> FloorFitting:
    return FloorFitting(Judge(Policy((OBJECTS,)), pixels, ()), saves, RADIUS)


def poorly(pixels: Pixels) -> SavedFile:
    return saved_as_jpeg(pixels, 20)


def never(_: Pixels) -> SavedFile | None:
    return None


@pytest.mark.parametrize("size", [(300, 200), (1800, 1000)])
def test_the_file_is_above_the_floor_and_little_of_the_budget_is_left(size: tuple[int, int]) -> None:
    pixels = photo(*size)
    assert (pixels.size // 3 > LARGE) == (size == (1800, 1000))
    made = end_of(fitting(pixels, saved_as_jpeg).run(perturbation(200, 300)))
    assert made.file is not None
    assert np.array_equal(made.file.pixels, saved_as_jpeg(made.pixels).pixels)
    assert 0 < made.share < LARGEST_SHARE
    quality = measured(pixels, made.file.pixels)
    assert quality.reaches(FLOOR)
    more = measured(pixels, saved_as_jpeg(made.perturbation.pixels(1.25 * made.share)).pixels)
    assert not more.reaches(FLOOR)


@pytest.mark.parametrize("size", [(60, 25_200), (25_200, 60), (12, 64_000)])
def test_a_large_photo_that_is_narrower_than_a_window_is_fitted(size: tuple[int, int]) -> None:
    pixels = photo(*size)
    made = end_of(fitting(pixels, saved_as_jpeg).run(perturbation(4, 400) if size[0] > size[1] else perturbation(400, 4)))
    assert made.file is not None
    assert not np.array_equal(made.pixels, pixels)
    assert measured(pixels, made.file.pixels).reaches(FLOOR)


def test_ways_to_save_that_make_no_file_or_a_poor_one_are_passed_over() -> None:
    pixels = photo(300, 200)
    fitted = fitting(pixels, never, poorly, saved_as_jpeg)
    assert fitted.is_possible()
    made = end_of(fitted.run(perturbation(200, 300)))
    assert made.file is not None
    assert made.file.data == saved_as_jpeg(made.pixels).data


def test_where_saving_alone_is_too_much_nothing_is_possible_and_no_file_is_called_good() -> None:
    pixels = photo(300, 200)
    fitted = fitting(pixels, never, poorly)
    assert not fitted.is_possible()
    made = end_of(fitted.run(perturbation(200, 300)))
    assert made.file is None
    # The photo for a person who sends it anyway is not the original.
    assert not np.array_equal(made.pixels, pixels)


def test_a_perturbation_that_is_hardly_there_is_made_larger_within_bounds() -> None:
    pixels = photo(300, 200)
    made = end_of(fitting(pixels, saved_as_jpeg).run(0.1 * perturbation(200, 300)))
    assert made.file is not None
    assert 1.5 < made.share <= LARGEST_SHARE
