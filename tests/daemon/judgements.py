"""Judgements for tests in which no network judges."""

from typing import Any

from protectors.judging.judgement import Judgement
from protectors.judging.quality import Quality


def judgement(protected: bool = True, above_floor: bool = True, psnr: float = 40.0) -> Judgement:
    return Judgement(protected, Quality(psnr, 0.98, 0.99, 1.5), above_floor, max_difference=8, verdicts=())


def report(protected: bool = True, seconds: float = 1.0, **facts: Any) -> dict[str, Any]:
    """Return a worker's report with such a judgement in it."""
    return judgement(protected).as_json() | {"seconds": {"total": seconds}} | facts
