"""How much of a perturbation a floor of quality allows, found from a few measurements instead of a blind search.

Every measure's error (mean squared error, 1 - SSIM, 1 - FSIM) grows about with the square of the perturbation's size, from
the error that saving alone makes. One measurement therefore tells roughly where the floor is met, and the next one exactly.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from protectors.judging.quality import Quality

NEAR = 1.03
"""A share is near enough to its floor when at most this many times as much would reach it."""

CAREFUL = 0.985
"""Of the share that is predicted to meet the floor, what is tried: the prediction is a little off in either direction."""

ATTEMPTS = 4
"""Measurements in the search for a share, of which each costs time."""

HALVINGS = 3
"""Further ones, each of half the share, where none of those reached the floor."""

MOST = 2.0
LEAST = 0.05
"""The largest and the smallest share of a perturbation."""

PERFECT = Quality(math.inf, 1.0, 1.0)

SQUARE = 2.0
"""The power of the share that errors grow with, until two measurements tell another."""

POWERS = (0.7, 3.0)
"""The range in which the power that two measurements tell is trusted."""


@dataclass(frozen=True)
class Trial:
    """A share of a perturbation, and the quality that was measured with it."""

    share: float
    quality: Quality


def predicted(trial: Trial, floor: Quality, without: Quality = PERFECT, other: Trial | None = None) -> float:
    """Return the share of a perturbation that would meet a floor.

    Args:
        trial: what was measured last.
        floor: what is to be met.
        without: the measures of no perturbation at all, which differ from perfect ones by what saving takes.
        other: what was measured with another share. The two tell how errors grow.
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
    """Return the largest share, up to ``most``, that was measured to reach a floor; None where none of the attempts did.

    Args:
        measure: measures the photo with a share of the perturbation; None where it cannot be made at all.
        floor: what it has to reach.
        without: the measures without the perturbation.
        most: the largest share that is tried.
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
            # The prediction was wrong: the floor lies below what failed, and above what reached it, if anything did.
            share = failed * CAREFUL**2 if best is None else math.sqrt(best * failed)
    return _halved(measure, floor, failed) if best is None else best


def _halved(measure: Callable[[float], Quality | None], floor: Quality, share: float) -> float | None:
    """Return the first half of a share, half of that and so on that reaches a floor; None where none of a few does."""
    for _ in range(HALVINGS):
        share /= 2
        if (quality := measure(share)) is not None and quality.reaches(floor):
            return share
    return None


def _errors(quality: Quality) -> tuple[float, float, float]:
    return 10 ** (-quality.psnr / 10), 1 - quality.ssim, 1 - quality.fsim
