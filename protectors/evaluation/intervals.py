"""The interval of a ratio of two shares."""

import math

from protectors.evaluation.measurement import Figures


def ratio_with_interval(name: str, share: float, of: float, counted: float) -> Figures:
    """Return one share over another as ``NAME``, with a 95 % interval (``NAME.low``, ``NAME.high``).

    Both shares are of ``counted`` photos or objects. The interval is as if these were different ones, so wider than needed.

    Source: Katz and others, "Obtaining confidence intervals for the risk ratio in cohort studies" (1978).
    """
    ratio = share / of
    deviation = math.sqrt(sum((1 - each) / (each * counted) for each in (share, of) if each))
    return {name: ratio, f"{name}.low": ratio * math.exp(-1.96 * deviation), f"{name}.high": ratio * math.exp(1.96 * deviation)}
