"""How much of a perturbation a floor of quality allows, found from a few measurements instead of a blind search.

Every measure's error (mean squared error, 1 - SSIM, 1 - FSIM) grows about with the square of the perturbation's size, from
the error that saving alone makes. One measurement therefore tells roughly where the floor is met, and the next one exactly.
"""

import math
from collections.abc import Callable

from protectors.judging.quality import Quality

NEAR = 1.03
"""A share is near enough to its floor when at most this many times as much would reach it."""

CAREFUL = 0.985
"""Of the share that is predicted to meet the floor, what is tried: the prediction is a little off in either direction."""

MOST = 2.0
LEAST = 0.05
"""The largest and the smallest share of a perturbation."""

PERFECT = Quality(math.inf, 1.0, 1.0)


def predicted(share: float, quality: Quality, floor: Quality, without: Quality = PERFECT) -> float:
    """Return the share of a perturbation that would meet a floor.

    Args:
        share: the share that was measured.
        quality: its measures.
        floor: what is to be met.
        without: the measures of no perturbation at all, which differ from perfect ones by what saving takes.
    """
    factors = [MOST / share]
    for now, base, allowed in zip(_errors(quality), _errors(without), _errors(floor), strict=True):
        if now > base:
            factors.append(math.sqrt(max(0.0, allowed - base) / (now - base)))
    return share * min(factors)


def share_on_floor(
    measure: Callable[[float], Quality | None],
    floor: Quality,
    without: Quality = PERFECT,
    first: float = 1.0,
    most: float = MOST,
    attempts: int = 4,
) -> float | None:
    """Return the largest share, up to ``most``, that was measured to reach a floor; None where none of the attempts did.

    Args:
        measure: measures the photo with a share of the perturbation; None where it cannot be made at all.
        floor: what it has to reach.
        without: the measures without the perturbation.
        first: the share that is tried first.
        most: the largest share that is tried.
        attempts: measurements, of which each costs time.
    """
    share, best, failed = min(first, most), None, math.inf
    for _ in range(attempts):
        if (quality := measure(share)) is None:
            return None
        next_share = min(most, predicted(share, quality, floor, without))
        if quality.reaches(floor):
            best = max(share, best or 0.0)
            if next_share <= share * NEAR:
                break
        else:
            failed = min(failed, share)
        share = max(LEAST, next_share * CAREFUL)
        if best is not None and share >= failed:
            # The prediction was wrong twice: the floor lies between what reached it and what did not.
            share = math.sqrt(best * failed)
        elif share >= failed:
            share = failed * CAREFUL**2
    return best


def _errors(quality: Quality) -> tuple[float, float, float]:
    return 10 ** (-quality.psnr / 10), 1 - quality.ssim, 1 - quality.fsim
