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

LAST_ATTEMPTS = 3

MOST = 2.0
LEAST = 0.05
"""The largest and the smallest share of a perturbation."""

PERFECT = Quality(math.inf, 1.0, 1.0)

SQUARE = 2.0
"""The power of the share that errors grow with, until two measurements tell another."""

POWERS = (0.7, 3.0)
"""Between these two measurements are believed."""


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
    factors = [MOST / trial.share]
    others = _errors(other.quality) if other else (None, None, None)
    rows = zip(_errors(trial.quality), _errors(without), _errors(floor), others, strict=True)
    for now, base, allowed, earlier in rows:
        if now > base:
            power = SQUARE
            if other is not None and earlier is not None and earlier > base and earlier != now:
                power = math.log((now - base) / (earlier - base)) / math.log(trial.share / other.share)
                power = min(max(power, POWERS[0]), POWERS[1])
            factors.append(max(0.0, (allowed - base) / (now - base)) ** (1 / power))
    return trial.share * min(factors)


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
        attempts: measurements, of which each costs time. Where none of them reached the floor, ``LAST_ATTEMPTS`` more are made,
            each of half the share.
    """
    share, best, failed = min(first, most), None, math.inf
    last: Trial | None = None
    for attempt in range(attempts + LAST_ATTEMPTS):
        if attempt >= attempts and best is not None:
            break
        if (quality := measure(share)) is None:
            return None
        now = Trial(share, quality)
        next_share = min(most, predicted(now, floor, without, last if last and last.share != share else None))
        if quality.reaches(floor):
            best = max(share, best or 0.0)
            if next_share <= share * NEAR:
                break
        else:
            failed = min(failed, share)
        last, share = now, max(LEAST, next_share * CAREFUL)
        if best is not None and share >= failed:
            # The prediction was wrong twice: the floor lies between what reached it and what did not.
            share = math.sqrt(best * failed)
        elif share >= failed or attempt >= attempts - 1:
            share = failed / 2 if attempt >= attempts - 1 else failed * CAREFUL**2
    return best


def _errors(quality: Quality) -> tuple[float, float, float]:
    return 10 ** (-quality.psnr / 10), 1 - quality.ssim, 1 - quality.fsim
