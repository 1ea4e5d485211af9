"""The objective against one network for one photo, as a loss on a view of the cloaked photo.

An objective has a term for the network's task, a feature term, which transfers to unknown networks, or both.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

PUSH = 3.0
"""The paper's k: features are pushed away from k times their original values."""

ALIKE = 4.0
"""Weight of the cosine similarity of features against their distance.

The distance can grow without a change of direction, and networks that normalise their features see only that. On the photos of
``protectors/evaluation/tuning_photos.py``, a detector that no cloak is made against found 40 % of its objects without this
term, and 36 % with it, as with a weight of 12."""


@dataclass(frozen=True)
class Aim:
    """The result of one network's pass over a view of the cloaked photo.

    ``loss`` [] is differentiable; steps of refinement use only the direction of its gradient. ``is_reached`` says whether the
    network is fooled in this view.
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
    """Return the loss of feature maps [1, C, h, w] beside those of the original.

    It is lower the farther they are from ``PUSH`` times the original's, and the lower the cosine similarity of whole maps is.
    All stages have the same weight. If nothing has changed, it is ``ALIKE`` - 1.

    Source of the distance: OSFD (Object-aware self-supervised feature disruption; AAAI 2024), which maximises the sum over
    stages of ||k f(x) - f(x + d)||^2.
    """
    pairs = list(zip(references, features, strict=True))
    distances = [
        (PUSH * reference - now).square().mean() / ((PUSH - 1) ** 2 * reference.square().mean()).clamp(min=1e-12)
        for reference, now in pairs
    ]
    alike = [functional.cosine_similarity(reference.flatten(1), now.flatten(1)).mean() for reference, now in pairs]
    return ALIKE * torch.stack(alike).mean() - torch.stack(distances).mean()
