"""The budget and the outcome that every protection method shares."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass

from torch import Tensor

from protectors.progress import Progress


@dataclass(frozen=True)
class Budget:
    """The bounds of a perturbation, and of the time to make it.

    ``radius`` bounds every pixel (L-infinity, in units of the full range: 8/255 is eight 8-bit levels),
    ``steps`` the optimisation steps. ``noticeable`` bounds the whole perturbation as people see it: the root mean square
    of each pixel's over what is just noticeable there (perception.py); None leaves it free.
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
