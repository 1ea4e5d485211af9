"""The interface of every protection method: its budget, and the batch of cloaked images that it returns."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass

from torch import Tensor

from protectors.progress import Progress


@dataclass(frozen=True)
class Budget:
    """The limits on a perturbation and on the steps that make it.

    ``radius`` bounds every value (L-infinity, in units of the full range: 8/255 is eight 8-bit levels), ``steps`` the number of
    optimisation steps. ``noticeable`` bounds the visibility of the whole perturbation, which is the root mean square over the
    pixels of the perturbation divided by the just noticeable difference there (perception.py); None sets no such bound.
    """

    radius: float = 8 / 255
    steps: int = 60
    noticeable: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.radius <= 1:
            raise ValueError(f"the radius must lie in (0, 1], not {self.radius}")
        if self.noticeable is not None and self.noticeable <= 0:
            raise ValueError(f"a perturbation that may not be noticed at all protects nothing: {self.noticeable}")
        if self.steps < 1:
            raise ValueError(f"at least one step is needed, not {self.steps}")


@dataclass(frozen=True)
class CloakedBatch:
    """Cloaked images float32 [B, 3, H, W] in [0, 1], rounded to 8-bit levels, and the number of steps that each took.
    ``unrounded`` holds the same images before rounding."""

    images: Tensor
    steps: tuple[int, ...]
    unrounded: Tensor


class Protector(ABC):
    """A method against one kind of adversary. It knows images and budgets, but no files, browsers or users."""

    name: str

    @abstractmethod
    def protect(self, originals: Tensor, budget: Budget) -> Generator[Progress, None, CloakedBatch]:
        """Cloak images float32 [B, 3, H, W] in [0, 1]. Yields progress at every step; closing the generator cancels."""
