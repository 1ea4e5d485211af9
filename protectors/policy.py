"""The policy: a person's choices for a photo, and the limits of each strength."""

import math
from dataclasses import dataclass

from protectors.base import Budget
from protectors.judging.quality import Quality
from protectors.names import DEFAULT, PROTECTORS, Strength, is_visual

BUDGETS: dict[Strength, Budget] = {
    "instant": Budget(radius=8 / 255, steps=8, noticeable=0.45),
    "subtle": Budget(radius=4 / 255, steps=36, noticeable=0.3),
    "balanced": Budget(radius=8 / 255, steps=45, noticeable=0.45),
    "strong": Budget(radius=12 / 255, steps=54, noticeable=0.65),
}

FLOORS: dict[Strength, Quality] = {
    "instant": Quality(psnr=36, ssim=0.97, fsim=0.985, delta_e=2.5),
    "subtle": Quality(psnr=38, ssim=0.98, fsim=0.99, delta_e=2.0),
    "balanced": Quality(psnr=36, ssim=0.97, fsim=0.985, delta_e=2.5),
    "strong": Quality(psnr=33, ssim=0.95, fsim=0.975, delta_e=3.5),
}
"""Least quality of a delivered photo. A perturbation that misses it is made smaller; the verdicts say if that unprotects."""


@dataclass(frozen=True)
class RefinementBudget:
    """How a photo is cloaked against pretrained networks.

    Attributes:
        steps: largest number of steps in the first round, each from the gradients of two networks.
        steps_a_network: least number of such steps for each network, which makes it larger with many networks.
        further_steps: largest number in each further round.
        rounds: number of further rounds for a photo that is not protected yet.
        radius: largest change of a value in [0, 1].
        seconds: about the most that cloaking and judging take. When they are nearly over, no more steps are taken.
    """

    steps: int
    further_steps: int
    rounds: int
    radius: float
    steps_a_network: float = 2.5
    seconds: float = math.inf


REFINEMENTS: dict[Strength, RefinementBudget] = {
    "instant": RefinementBudget(steps=0, further_steps=0, rounds=0, radius=16 / 255, steps_a_network=0),
    "subtle": RefinementBudget(steps=10, further_steps=4, rounds=3, radius=12 / 255),
    "balanced": RefinementBudget(steps=10, further_steps=4, rounds=3, radius=16 / 255),
    "strong": RefinementBudget(steps=10, further_steps=4, rounds=3, radius=24 / 255),
}


ONE_EACH = RefinementBudget(steps=2, further_steps=0, rounds=0, radius=16 / 255, steps_a_network=0)
"""A budget of one step against each network, for self-checks."""


@dataclass(frozen=True)
class Policy:
    """A person's choices for a photo. ``sensitive`` names detector classes to be read as others; if empty, all are hidden."""

    protectors: tuple[str, ...] = DEFAULT
    strength: Strength = "balanced"
    sensitive: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.protectors if name not in PROTECTORS and not is_visual(name)]
        if unknown:
            raise ValueError(f"no protector is called {unknown[0]!r}; there are {', '.join(PROTECTORS)}")
        if not self.protectors:
            raise ValueError("a policy needs at least one protector")
        if len(self.protectors) > 1 and any(is_visual(name) for name in self.protectors):
            raise ValueError("visual leaves nothing to see, so it stands alone: choose it without others")
        if self.strength not in BUDGETS:
            raise ValueError(f"no strength is called {self.strength!r}; there are {', '.join(BUDGETS)}")
