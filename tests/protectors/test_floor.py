"""Tests the search for the share that a floor allows, with errors that grow with the square of the share."""

import math

import pytest

from protectors.floor import CAREFUL, MOST, Trial, predicted, share_on_floor
from protectors.judging.quality import Quality

FLOOR = Quality(36, 0.97, 0.985, 2.5)


def quality_of(
    share: float, error: float = 1e-4, unlike: float = 0.01, features: float = 0.004, colour: float = 1.0
) -> Quality:
    """Return a measuring function whose errors at a share of 1 are given."""
    square = share**2
    psnr = math.inf if share == 0 else -10 * math.log10(error * square)
    return Quality(psnr, 1 - unlike * square, 1 - features * square, colour * share)


def test_the_prediction_meets_the_floor_of_the_measure_that_binds() -> None:
    share = predicted(Trial(1.0, quality_of(1.0)), FLOOR)
    assert quality_of(share).psnr == pytest.approx(36)
    share = predicted(Trial(0.5, quality_of(0.5, unlike=0.1)), FLOOR)
    assert quality_of(share, unlike=0.1).ssim == pytest.approx(0.97)
    share = predicted(Trial(0.5, quality_of(0.5, colour=8.0)), FLOOR)
    assert quality_of(share, colour=8.0).delta_e == pytest.approx(2.5)


def test_what_saving_takes_is_not_taken_for_the_perturbations() -> None:
    without = Quality(math.inf, 0.975, 1.0, 0.0)
    now = Quality(60, 0.974, 1.0, 0.0)
    # This share costs 0.001 of SSIM beyond saving, and the floor allows 0.005.
    assert predicted(Trial(0.5, now), FLOOR, without) == pytest.approx(0.5 * math.sqrt(5))
    assert predicted(Trial(0.5, now), Quality(36, 0.98, 0.9, 9.0), without) == 0


def test_a_perturbation_that_changes_nothing_is_taken_as_large_as_may_be() -> None:
    assert predicted(Trial(0.5, Quality(math.inf, 1, 1, 0)), FLOOR) == MOST


@pytest.mark.parametrize("error", [1e-5, 1e-4, 2.4e-4, 1e-3, 1e-2])
def test_the_share_that_is_found_reaches_the_floor_and_wastes_little(error: float) -> None:
    tried: list[float] = []

    def measure(share: float) -> Quality:
        tried.append(share)
        return quality_of(share, error, 0, 0)

    share = share_on_floor(measure, FLOOR)
    assert share is not None
    assert quality_of(share, error).psnr >= 36
    assert share >= min(MOST, math.sqrt(10**-3.6 / error)) * CAREFUL**2
    assert len(tried) <= 3


def test_a_larger_share_than_allowed_is_never_tried() -> None:
    tried: list[float] = []

    def measure(share: float) -> Quality:
        tried.append(share)
        return quality_of(share, 1e-9)

    assert share_on_floor(measure, FLOOR, most=1.2) == pytest.approx(1.2, rel=0.05)
    assert max(tried) <= 1.2


def test_none_is_returned_where_no_attempt_reached_the_floor_or_no_file_was_made() -> None:
    assert share_on_floor(lambda _: Quality(20, 0.5, 0.5, 9.0), FLOOR) is None
    assert share_on_floor(lambda _: None, FLOOR) is None


@pytest.mark.parametrize("power", [0.8, 1.2, 1.6, 2.0, 2.6])
def test_errors_that_grow_otherwise_than_with_the_square_are_met_as_well(power: float) -> None:
    without = Quality(60, 0.9863, 1.0, 0.0)

    def measure(share: float) -> Quality:
        return Quality(60 - share, 0.9863 - 0.0254 * share**power, 1.0, 0.0)

    share = share_on_floor(measure, FLOOR, without)
    assert share is not None
    assert measure(share).reaches(FLOOR)
    assert share >= 0.8 * (0.0163 / 0.0254) ** (1 / power)


def test_a_floor_that_only_a_little_of_it_reaches_is_found_in_the_end() -> None:
    def measure(share: float) -> Quality:
        # The measurements cannot reveal the jump in advance.
        return Quality(60, 0.96 if share > 0.11 else 1.0, 1.0, 0.0)

    share = share_on_floor(measure, FLOOR)
    assert share is not None
    assert share <= 0.11
