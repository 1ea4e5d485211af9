"""The estimate for an unknown network, which ``protectors.calibration`` computes. Nothing here imports NumPy."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Estimate:
    """The probability that a network is fooled, and its 95 % interval."""

    probability: float
    low: float
    high: float

    def rounded(self) -> "Estimate":
        """Return the estimate rounded as in reports."""
        return Estimate(round(self.probability, 3), round(self.low, 3), round(self.high, 3))

    def as_json(self) -> dict[str, float]:
        return asdict(self.rounded())

    @classmethod
    def from_json(cls, content: Mapping[str, float]) -> "Estimate":
        return cls(content["probability"], content["low"], content["high"])
