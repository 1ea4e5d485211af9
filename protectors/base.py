"""What every protection method shares: its budget, its progress, its outcome, and the verdict on a photo."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Budget:
    """How much a photo may change and how long that may take.

    ``radius`` bounds every pixel's change (L-infinity, in units of the full range: 8/255 is eight 8-bit levels),
    ``steps`` the optimisation steps. ``noticeable`` bounds the whole change as people see it: the root mean square of each
    pixel's change over what is just noticeable there (perception.py); None leaves it free.
    """

    radius: float = 8 / 255
    steps: int = 60
    noticeable: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.radius <= 1:
            raise ValueError(f"the radius must lie in (0, 1], not {self.radius}")
        if self.noticeable is not None and self.noticeable <= 0:
            raise ValueError(f"a change that may not be noticed at all protects nothing: {self.noticeable}")
        if self.steps < 1:
            raise ValueError(f"at least one step is needed, not {self.steps}")


@dataclass(frozen=True)
class Progress:
    """How far a stage of a job has come: ``done`` of ``total`` steps."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True)
class Detection:
    """One object as a detector reads it; the box is xyxy in pixels of the photo that was judged."""

    label: str
    score: float
    box: tuple[float, float, float, float]

    def as_json(self) -> dict[str, object]:
        return {"class": self.label, "score": round(self.score, 4), "box": [round(edge, 1) for edge in self.box]}


@dataclass(frozen=True)
class Verdict:
    """What one adversary reads in a photo before and after, and whether that counts as protected."""

    protector: str
    adversary: str
    protected: bool
    before: tuple[str, ...]
    after: tuple[str, ...]
    detections_before: tuple[Detection, ...] = field(default=())
    detections_after: tuple[Detection, ...] = field(default=())

    def as_json(self) -> dict[str, object]:
        content: dict[str, object] = {
            "protector": self.protector,
            "adversary": self.adversary,
            "protected": self.protected,
            "before": list(self.before),
            "after": list(self.after),
        }
        if self.detections_before or self.detections_after:
            content["detections_before"] = [detection.as_json() for detection in self.detections_before]
            content["detections_after"] = [detection.as_json() for detection in self.detections_after]
        return content


@dataclass(frozen=True)
class Outcome:
    """Cloaked images float32 [B, 3, H, W] in [0, 1], on 8-bit levels, and the steps each took. ``unrounded`` is what they
    were before they were put on those levels."""

    images: Tensor
    steps: tuple[int, ...]
    unrounded: Tensor


class Protector(ABC):
    """A method against one kind of adversary. It knows images and budgets, nothing of files, browsers or users."""

    name: str

    @abstractmethod
    def protect(self, originals: Tensor, budget: Budget) -> Generator[Progress, None, Outcome]:
        """Cloak float32 [B, 3, H, W] in [0, 1]; yields progress at every step and returns the outcome.

        Closing the generator cancels.
        """

    @abstractmethod
    def judge(self, originals: Tensor, delivered: Tensor) -> list[Verdict]:
        """Verdicts on images [B, 3, H, W] as delivered, by a fresh reading that shares nothing with the optimisation."""
