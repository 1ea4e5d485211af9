"""Finds the share of a perturbation that a quality floor allows, from a few measurements instead of a blind search.

Every measure's error (mean squared error, 1 - SSIM, 1 - FSIM, squared colour difference) grows about with the square of the
perturbation's size, starting at the error of saving alone. So one measurement predicts roughly which share meets the floor,
and a second one precisely.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from protectors.judging.quality import Quality

NEAR = 1.03
"""The search ends at a share that reaches the floor if the share predicted to meet it is at most this many times as large."""

CAREFUL = 0.985
"""Factor on the predicted share before it is tried, since predictions err a little in either direction."""

ATTEMPTS = 4
"""Measurements in the search for a share."""

HALVINGS = 3
"""Further measurements if none of those reached the floor, each of half the share before."""

MOST = 2.0
LEAST = 0.05
"""The largest and the smallest share of a perturbation."""

PERFECT = Quality(math.inf, 1.0, 1.0, 0.0)

SQUARE = 2.0
"""The exponent with which errors grow with the share, until two measurements give a better one."""

POWERS = (0.7, 3.0)
"""Bounds on the exponent that is computed from two measurements."""


@dataclass(frozen=True)
class Trial:
    """A share of a perturbation, and the quality that was measured with it."""

    share: float
    quality: Quality


def predicted(trial: Trial, floor: Quality, without: Quality = PERFECT, other: Trial | None = None) -> float:
    """Return the share of a perturbation that would meet a floor.

    Args:
        trial: the last measurement.
        floor: the quality to meet.
        without: the quality without a perturbation; saving alone makes it less than perfect.
        other: an earlier measurement with another share, which together with the last gives the exponent.
    """
    measured, base, allowed = (_errors(quality) for quality in (trial.quality, without, floor))
    earlier = _errors(other.quality) if other is not None else measured
    grown = math.log(trial.share / other.share) if other is not None else 0.0
    shares = [MOST]
    for now, then, nothing, most in zip(measured, earlier, base, allowed, strict=True):
        if now > nothing:
            power = SQUARE
            if grown and now != then > nothing:
                power = min(max(math.log((now - nothing) / (then - nothing)) / grown, POWERS[0]), POWERS[1])
            shares.append(trial.share * max(0.0, (most - nothing) / (now - nothing)) ** (1 / power))
    return min(shares)


def share_on_floor(
    measure: Callable[[float], Quality | None],
    floor: Quality,
    without: Quality = PERFECT,
    most: float = MOST,
) -> float | None:
    """Return the largest share, up to ``most``, that was measured to reach a floor; None if no attempt did.

    Args:
        measure: returns the photo's quality with a share of the perturbation, or None if no file can be made.
        floor: the quality to reach.
        without: the quality without the perturbation.
        most: the largest share to try.
    """
    share, failed = min(1.0, most), math.inf
    best: float | None = None
    last: Trial | None = None
    for _ in range(ATTEMPTS):
        if (quality := measure(share)) is None:
            return None
        trial = Trial(share, quality)
        wanted = min(most, predicted(trial, floor, without, last))
        if quality.reaches(floor):
            best = max(share, best or 0.0)
            if wanted <= share * NEAR:
                return best
        else:
            failed = min(failed, share)
        last, share = trial, max(LEAST, wanted * CAREFUL)
        if share >= failed:
            # The prediction was wrong: the right share lies between the best that reached the floor and the failed one.
            share = failed * CAREFUL**2 if best is None else math.sqrt(best * failed)
    return _halved(measure, floor, failed) if best is None else best


def _halved(measure: Callable[[float], Quality | None], floor: Quality, share: float) -> float | None:
    """Halve a share up to ``HALVINGS`` times and return the first that reaches a floor; None if none does."""
    for _ in range(HALVINGS):
        share /= 2
        if (quality := measure(share)) is not None and quality.reaches(floor):
            return share
    return None


def _errors(quality: Quality) -> tuple[float, ...]:
    return 10 ** (-quality.psnr / 10), 1 - quality.ssim, 1 - quality.fsim, quality.delta_e**2
