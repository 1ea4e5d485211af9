"""The verdict on one network. Nothing here imports torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protectors.adversaries.reading import Detection


@dataclass(frozen=True)
class Verdict:
    """The labels that one network reads in a photo before and after, and whether that counts as protected.

    A judge only is a network that no cloak is optimised on: it stands for unknown networks.
    """

    protector: str
    adversary: str
    protected: bool
    before: tuple[str, ...]
    after: tuple[str, ...]
    detections_before: tuple[Detection, ...] = ()
    detections_after: tuple[Detection, ...] = ()
    is_judge_only: bool = False

    def as_json(self) -> dict[str, Any]:
        content: dict[str, Any] = {
            "protector": self.protector,
            "adversary": self.adversary,
            "protected": self.protected,
            "before": list(self.before),
            "after": list(self.after),
        }
        if self.is_judge_only:
            content["judge_only"] = True
        if self.detections_before or self.detections_after:
            content["detections_before"] = [detection.as_json() for detection in self.detections_before]
            content["detections_after"] = [detection.as_json() for detection in self.detections_after]
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Verdict":
        before, after = (
            tuple(Detection.from_json(item) for item in content.get(f"detections_{when}", ())) for when in ("before", "after")
        )
        return cls(
            content["protector"],
            content["adversary"],
            content["protected"],
            tuple(content["before"]),
            tuple(content["after"]),
            before,
            after,
            content.get("judge_only", False),
        )


def all_protected(verdicts: "tuple[Verdict, ...] | list[Verdict]") -> bool:
    """Return whether every network is fooled that cloaks are optimised on. Judges only do not count."""
    return all(verdict.protected or verdict.is_judge_only for verdict in verdicts)
