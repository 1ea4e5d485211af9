"""A network's reading of a photo. Nothing here imports torch, since light processes use it too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Detection:
    """One object that a detector found; the box is xyxy in pixels of the photo."""

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

    ``labels`` are sorted from the surest; ``detections`` are set for detectors. For criteria that need them, ``seen``
    [1, 3, h, w] is the network's input, and ``embedding`` [D] of length 1 is what a search compares.
    """

    labels: tuple[str, ...] = ()
    detections: tuple[Detection, ...] = ()
    seen: "Tensor | None" = None
    embedding: "Tensor | None" = None


class Adversary(Protocol):
    """A network that reads photos [B, 3, H, W] of any size, in [0, 1] or 8-bit levels, on their device."""

    @property
    def name(self) -> str: ...

    def readings(self, images: "Tensor") -> list[Reading]:
        """Return one reading for each image."""
