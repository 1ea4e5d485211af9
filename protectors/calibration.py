"""Estimates how likely a network that nobody here has ever seen is fooled by a delivered photo, and how sure that is.

``calibration.json``, beside the weights, is fitted by ``protectors.training.calibrate`` on photos that no training and no
figure of an evaluation uses, by models that no cloak is made against. A logistic model of what is measured of each delivered
photo gives the probability; the covariance of its weights, robust to a photo being read by several models, gives the interval.
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
"""Standard deviations to either side of a 95 % interval."""

RIDGE = 0.1
"""Of the weights but the first: without it few photos, all of one outcome, would have infinite ones."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Logistic:
    """``weights`` [features] and their ``covariance`` [features, features]."""

    weights: Floats
    covariance: Floats

    @classmethod
    def fitted(cls, features: Floats, outcomes: Floats, groups: Sequence[int], steps: int = 30) -> "Logistic":
        """Fit to features [N, F], outcomes [N] of 0 and 1, and the photo [N] that each is of: by Newton's method, with the
        sandwich covariance over photos (Liang and Zeger, Longitudinal data analysis using generalized linear models, 1986)."""
        count = features.shape[1]
        ridge = RIDGE * np.diag([0.0, *[1.0] * (count - 1)])
        # Half a photo on either side: where all outcomes are one, the first weight would be infinite too.
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
    """Return the features [4] of a delivered photo: 1, its PSNR, its FSIM, and how much one adversary read in the original.

    ``quality`` is rounded as it is told, and ``verdicts`` are those on the photo as it is delivered.
    """
    decibels = min(60.0, quality.psnr)
    lost = max(1e-5, 1 - quality.fsim)
    read = sum(len(verdict.before) for verdict in verdicts if verdict.protector == protector)
    return np.array([1.0, (decibels - 40) / 4, math.log10(lost / 0.01), math.log2(1 + read) / 4])


@cache
def known(file: Path = FILE) -> dict[str, Logistic]:
    """Return by protector what was fitted; empty where nothing was."""
    if not file.is_file():
        return {}
    content = json.loads(file.read_text(encoding="utf-8"))
    return {
        name: Logistic(np.array(own["weights"]), np.array(own["covariance"])) for name, own in content["protectors"].items()
    }


def estimates(
    quality: Quality, verdicts: Sequence[Verdict], protectors: Sequence[str], sensitive: Sequence[str] = ()
) -> dict[str, Estimate]:
    """Return by protector the estimate for a photo that was judged; none for a protector that nothing was fitted for, nor for
    classes of objects: all of them were hidden in what was fitted."""
    return {
        name: known()[name].estimate(features_of(quality, verdicts, name)).rounded()
        for name in protectors
        if name in known() and not (name == OBJECTS and sensitive)
    }


@dataclass(frozen=True)
class Bin:
    """The estimates of one bin: its place, their mean, the share that came true, and how many they are."""

    place: int
    expected: float
    came: float
    count: int


def binned(likely: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> list[Bin]:
    """Return estimates and what became of them, by bins of equal width; empty ones are left out."""
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
    """Return the expected calibration error: over bins of equal width, how far the mean probability is from the share that
    came true, weighted by how many are in the bin (Naeini, Cooper, Hauskrecht, 2015)."""
    return sum(abs(own.expected - own.came) * own.count for own in binned(likely, outcomes, bins)) / len(likely)
