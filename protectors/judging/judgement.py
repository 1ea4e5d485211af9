"""The judgement on a delivered photo, and the only definition of its JSON keys.

The worker writes it into a job's report; the protocol, the command line, the extension and the calibration read it there.
Nothing here imports torch or NumPy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from protectors.judging.estimate import Estimate
from protectors.judging.quality import Quality
from protectors.judging.verdict import Verdict


@dataclass(frozen=True)
class SiteJudgement:
    """The judgement on the file that a site makes of a photo; ``channel`` is the name of the site's pipeline."""

    channel: str
    protected: bool
    verdicts: tuple[Verdict, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "channel": self.channel,
            "protected": self.protected,
            "verdicts": [verdict.as_json() for verdict in self.verdicts],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "SiteJudgement":
        return cls(content["channel"], content["protected"], _verdicts_in(content))


@dataclass(frozen=True)
class Judgement:
    """The judgement on one delivered form of a photo.

    ``protected`` says that the photo was changed, is above the quality floor, and fools every network that counts. ``quality``
    and ``unseen`` are rounded as in reports. ``max_difference`` is the largest change of a value, in 8-bit levels; ``site`` is
    None if the site is unknown or can make no file of the photo; ``unseen`` holds the estimates for unknown networks by
    protector.
    """

    protected: bool
    quality: Quality
    above_floor: bool
    max_difference: int
    verdicts: tuple[Verdict, ...]
    site: SiteJudgement | None = None
    unseen: Mapping[str, Estimate] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        content: dict[str, Any] = {
            "protected": self.protected,
            **self.quality.as_json(),
            "floor": self.above_floor,
            "max_difference": self.max_difference,
            "verdicts": [verdict.as_json() for verdict in self.verdicts],
        }
        if self.site is not None:
            content["site"] = self.site.as_json()
        return content | {"unseen": {name: estimate.as_json() for name, estimate in self.unseen.items()}}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Judgement":
        """Read a judgement from a report, which may have further keys.

        Raises:
            ValueError: a part is missing or of the wrong kind.
        """
        try:
            site = content.get("site")
            return cls(
                content["protected"],
                Quality.from_json(content),
                content["floor"],
                content["max_difference"],
                _verdicts_in(content),
                None if site is None else SiteJudgement.from_json(site),
                {name: Estimate.from_json(estimate) for name, estimate in content["unseen"].items()},
            )
        except (KeyError, TypeError, AttributeError) as problem:
            raise ValueError(f"this is no judgement: {problem}") from None


def _verdicts_in(content: Mapping[str, Any]) -> tuple[Verdict, ...]:
    return tuple(Verdict.from_json(verdict) for verdict in content["verdicts"])
