"""The reading that a network makes of a photo. Nothing here imports torch: processes that must stay light use it too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Detection:
    """One object as a detector reads it; the box is xyxy in pixels of the photo that was read."""

    label: str
    score: float
    box: tuple[float, float, float, float]

    def as_json(self) -> dict[str, Any]:
        return {"class": self.label, "score": round(self.score, 4), "box": [round(edge, 1) for edge in self.box]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Detection":
        left, top, right, bottom = content["box"]
        return cls(content["class"], content["score"], (left, top, right, bottom))


@dataclass(frozen=True)
class Reading:
    """The reading of one photo by one network.

    ``labels`` are what it names, the surest first; ``detections`` say where, if it is a detector. Where a criterion needs them,
    ``seen`` [1, 3, h, w] is the photo as it was shown to the network, and ``embedding`` [D] of length 1 what a search compares.
    """

    labels: tuple[str, ...] = ()
    detections: tuple[Detection, ...] = ()
    seen: "Tensor | None" = None
    embedding: "Tensor | None" = None


class Adversary(Protocol):
    """A network that reads photos [B, 3, H, W] in [0, 1] of any size, on the device that they are on."""

    @property
    def name(self) -> str: ...

    def readings(self, images: "Tensor") -> list[Reading]:
        """Return one reading for each image."""
