"""The objective against one network for one photo, as a loss on a view of the cloaked photo.

Every objective has a feature term, which transfers to unknown networks, and a term for the network's task.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PUSH = 3.0
"""The paper's k: features are pushed away from k times their original values."""


@dataclass(frozen=True)
class Aim:
    """The result of one network's pass over a view of the cloaked photo.

    ``loss`` [] is differentiable and about 1 at first; ``is_reached`` says whether the network is fooled in this view.
    """

    loss: Tensor
    is_reached: bool


class NetworkObjective(ABC):
    """The objective against one network for one photo [1, 3, H, W], which is read once when the objective is created."""

    name: str
    """The network's name."""

    stage: str
    """The protector's name, for progress."""

    is_needed: bool = True
    """Whether steps against the network can change anything, or help against other networks."""

    @abstractmethod
    def aim(self, view: Tensor) -> Aim:
        """Pass a view [1, 3, h, w] of the cloaked photo through the network once; return loss and success."""


def feature_loss(references: Sequence[Tensor], features: Sequence[Tensor]) -> Tensor:
    """Return the negated mean distance of feature maps from ``PUSH`` times the original's; it is -1 if nothing has changed.

    Source: OSFD (Object-aware self-supervised feature disruption; AAAI 2024), which maximises the sum over stages of
    ||k f(x) - f(x + d)||^2. Here all stages have the same weight. Maps are [1, C, h, w], of the same size.
    """
    distances = [
        (PUSH * reference - now).square().mean() / ((PUSH - 1) ** 2 * reference.square().mean()).clamp(min=1e-12)
        for reference, now in zip(references, features, strict=True)
    ]
    return -torch.stack(distances).mean()
