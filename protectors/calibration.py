"""Estimates the probability that an unknown network is fooled by a delivered photo, with a confidence interval.

``protectors.training.calibrate`` fits ``calibration.json``, which lies beside the weights, on photos that no training and no
evaluation uses, and on models that no cloak is optimised on. A logistic regression on measures of the delivered photo gives
the probability. The covariance of its weights, clustered by photo since several models read each, gives the interval.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protectors.judging.estimate import Estimate
from protectors.judging.quality import Quality
from protectors.judging.verdict import Verdict
from protectors.manifest import FOLDER
from protectors.names import OBJECTS

FILE = FOLDER / "calibration.json"

SURE = 1.96
"""Half the width of a 95 % interval, in standard deviations."""

RIDGE = 0.1
"""L2 penalty on all weights except the intercept. Without it, a few photos that all end alike would make weights infinite."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Logistic:
    """A logistic regression: its ``weights`` [features] and their ``covariance`` [features, features]."""

    weights: Floats
    covariance: Floats

    @classmethod
    def fitted(cls, features: Floats, outcomes: Floats, groups: Sequence[int], steps: int = 30) -> "Logistic":
        """Fit to features [N, F], outcomes [N] of 0 and 1, and their photos' numbers [N] by Newton's method, with the sandwich
        covariance over photos (Liang and Zeger, Longitudinal data analysis using generalized linear models, 1986)."""
        count = features.shape[1]
        ridge = RIDGE * np.diag([0.0, *[1.0] * (count - 1)])
        # Half a photo is added to both outcomes: otherwise the intercept is infinite when all photos end alike.
        weights = np.zeros(count)
        weights[0] = math.log((outcomes.sum() + 0.5) / (len(outcomes) - outcomes.sum() + 0.5))
        for _ in range(steps):
            likely = _sigmoid(features @ weights)
            step = np.linalg.solve(_curvature(features, likely) + ridge, features.T @ (outcomes - likely) - ridge @ weights)
            weights = np.clip(weights + step, -8, 8)
        likely = _sigmoid(features @ weights)
        scores = features * (outcomes - likely)[:, None]
        sums = np.zeros((max(groups) + 1, count))
        np.add.at(sums, list(groups), scores)
        inverse = np.linalg.inv(_curvature(features, likely) + ridge)
        return cls(weights, inverse @ (sums.T @ sums) @ inverse)

    def estimate(self, features: Floats) -> Estimate:
        """Return the estimate for one photo's features [F]."""
        middle = float(features @ self.weights)
        spread = SURE * math.sqrt(max(0.0, float(features @ self.covariance @ features)))
        low, likely, high = (float(_sigmoid(np.array(value))) for value in (middle - spread, middle, middle + spread))
        return Estimate(likely, low, high)


def _curvature(features: Floats, likely: Floats) -> Floats:
    """Return the curvature of the log likelihood [F, F], at features [N, F] and their probabilities [N]."""
    return np.asarray((features * (likely * (1 - likely) + 1e-6)[:, None]).T @ features)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-values)))


def features_of(quality: Quality, verdicts: Sequence[Verdict], protector: str) -> Floats:
    """Return the features [4] of a delivered photo: 1, its PSNR, its FSIM, and the number of labels read in the original.

    ``quality`` is rounded as in reports, and ``verdicts`` are those on the delivered photo.
    """
    decibels = min(60.0, quality.psnr)
    lost = max(1e-5, 1 - quality.fsim)
    read = sum(len(verdict.before) for verdict in verdicts if verdict.protector == protector)
    return np.array([1.0, (decibels - 40) / 4, math.log10(lost / 0.01), math.log2(1 + read) / 4])


@cache
def known(file: Path = FILE) -> dict[str, Logistic]:
    """Return the fitted regressions by protector; none if there is no file."""
    if not file.is_file():
        return {}
    content = json.loads(file.read_text(encoding="utf-8"))
    return {
        name: Logistic(np.array(fit["weights"]), np.array(fit["covariance"])) for name, fit in content["protectors"].items()
    }


def estimates(
    quality: Quality, verdicts: Sequence[Verdict], protectors: Sequence[str], sensitive: Sequence[str] = ()
) -> dict[str, Estimate]:
    """Return the estimates for a judged photo by protector. A protector without a fit has none, and neither have objects when
    only ``sensitive`` classes are hidden, since the fit was made with all classes hidden."""
    return {
        name: known()[name].estimate(features_of(quality, verdicts, name)).rounded()
        for name in protectors
        if name in known() and not (name == OBJECTS and sensitive)
    }


@dataclass(frozen=True)
class Bin:
    """The estimates of one bin: the bin's index, their mean, the share that came true, and their count."""

    place: int
    expected: float
    came: float
    count: int


def binned(likely: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> list[Bin]:
    """Sort estimates and their outcomes into bins of equal width; empty bins are left out."""
    probabilities, came = np.array(likely), np.array(outcomes, dtype=np.float64)
    places = np.minimum((probabilities * bins).astype(int), bins - 1)
    return [
        Bin(
            place,
            float(probabilities[places == place].mean()),
            float(came[places == place].mean()),
            int((places == place).sum()),
        )
        for place in np.unique(places).tolist()
    ]


def expected_error(likely: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> float:
    """Return the expected calibration error (Naeini, Cooper, Hauskrecht, 2015): the distance in each bin between the mean
    probability and the share that came true, averaged over all estimates."""
    return sum(abs(group.expected - group.came) * group.count for group in binned(likely, outcomes, bins)) / len(likely)
