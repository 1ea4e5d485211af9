"""Objectives: what a network shall no longer read in one photo, as a loss on a view of the cloaked photo.

Every objective has a term of features, which carries over to networks that are not at hand, and a term of its own task.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PUSH = 3.0
"""k: how far beyond their own values features are pushed away from."""


@dataclass(frozen=True)
class Aim:
    """One look of a network at a view of the cloaked photo.

    ``loss`` [] is about 1 at first, to be lowered, and differentiable; ``is_reached`` says whether the network is fooled in
    this view.
    """

    loss: Tensor
    is_reached: bool


class NetworkObjective(ABC):
    """The objective against one network for one photo [1, 3, H, W], which is read once when the objective is made."""

    name: str
    """Of the network."""

    stage: str
    """Of the protector, for progress."""

    @abstractmethod
    def aim(self, view: Tensor) -> Aim:
        """Return what one pass of the network over a view [1, 3, h, w] of the cloaked photo tells."""


def feature_loss(references: Sequence[Tensor], features: Sequence[Tensor]) -> Tensor:
    """Return minus the mean distance of feature maps from ``PUSH`` times the original's, -1 where nothing has changed.

    Source: OSFD (Object-aware self-supervised feature disruption; AAAI 2024): the sum over stages of ||k f(x) - f(x + d)||^2 is
    raised, here over stages of the same weight. Maps are [1, C, h, w], of the same size.
    """
    distances = [
        (PUSH * reference - now).square().mean() / ((PUSH - 1) ** 2 * reference.square().mean()).clamp(min=1e-12)
        for reference, now in zip(references, features, strict=True)
    ]
    return -torch.stack(distances).mean()
