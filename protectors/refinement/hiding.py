"""Object Disappearance against one-stage detectors: no cell of the grid shall score for a class.

The paper's method (Xue et al., SocialGuard, 2021) lowers what a two-stage detector says of its region proposals; cells and
anchors take their place here. M_all lowers every class; M_sen lowers chosen classes and raises what else is read there.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.one_stage import OneStageDetector
from protectors.names import OBJECTS
from protectors.refinement.objective import Aim, NetworkObjective, feature_loss

CONSIDERED = 0.03
"""Scores of the original from which on a cell is worked on, and of the cloaked photo a little more."""

CONSIDERED_NOW = 0.05

LEAST_REFERENCE = 0.5
"""Keeps the task's term finite for photos in which a detector finds next to nothing."""


class ObjectHiding(NetworkObjective):
    """Nothing, or nothing of the sensitive labels, shall be found by a detector.

    Args:
        detector: what shall no longer find it.
        original: the photo [1, 3, H, W].
        sensitive: labels to be read as others; none of them hides everything.
    """

    stage = OBJECTS

    def __init__(self, detector: OneStageDetector, original: Tensor, sensitive: Sequence[int] = ()) -> None:
        self.name = detector.name
        self._detector = detector
        classes = len(detector.classes)
        self._sensitive = torch.zeros(classes, dtype=torch.bool, device=original.device)
        self._sensitive[list(sensitive) if sensitive else slice(None)] = True
        self._hides_all = not sensitive
        self._found = _logit(detector.threshold)
        with torch.no_grad():
            look = detector.look(original)
            self._features = list(look.features.values())
            self._considered = look.logits.sigmoid() >= CONSIDERED
            self._reference = self._task(look.logits).clamp(min=LEAST_REFERENCE)
            # What the judge asks: whether a class that was found, or a sensitive one, is still found.
            self._asked = (look.logits.amax((0, 1)) >= self._found) if self._hides_all else self._sensitive

    def aim(self, view: Tensor) -> Aim:
        look = self._detector.look(view)
        loss = self._task(look.logits) / self._reference
        if self._hides_all:
            # Pushing all features away where only some classes shall be hidden would hide the others too.
            loss = loss + feature_loss(self._features, list(look.features.values()))
        return Aim(loss, not bool((look.logits.detach() >= self._found)[..., self._asked].any()))

    def _task(self, logits: Tensor) -> Tensor:
        chosen = (self._considered | (logits.detach() >= _logit(CONSIDERED_NOW))) & self._sensitive
        # -log(1 - score): what is sure counts most.
        total = (functional.softplus(logits) * chosen).sum()
        if self._hides_all:
            return total
        cells = chosen.any(-1)
        others = logits.masked_fill(self._sensitive, -torch.inf).amax(-1)
        return total + 0.5 * (functional.softplus(-others) * cells).sum()


def _logit(share: float) -> float:
    return float(torch.logit(torch.tensor(share)))
