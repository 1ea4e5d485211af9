"""Object Disappearance against one-stage detectors: lowers the class scores of their cells.

The paper's method (Xue et al., SocialGuard, 2021) lowers a two-stage detector's class scores on region proposals. Here cells
and anchors take their place. M_all lowers every class that the detector so much as suspects in the original; M_sen lowers
chosen classes and raises others in their place.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.one_stage import OneStageDetector
from protectors.names import OBJECTS
from protectors.refinement.objective import Aim, NetworkObjective, feature_loss

CONSIDERED = 0.03
"""Least score in the original at which a cell's class enters the loss."""

CONSIDERED_NOW = 0.05
"""Least such score in the cloaked photo."""

LEAST_REFERENCE = 0.5
"""Lower bound on the original's task loss, which keeps the normalised loss finite when a detector finds almost nothing."""


class ObjectHiding(NetworkObjective):
    """Hides everything, or the sensitive labels, from one detector.

    Args:
        detector: the detector.
        original: the photo [1, 3, H, W].
        sensitive: labels to be read as others; if empty, everything is hidden.
    """

    stage = OBJECTS

    def __init__(self, detector: OneStageDetector, original: Tensor, sensitive: Sequence[int] = ()) -> None:
        self.name = detector.name
        self._hides_all = not sensitive
        self._found = _logit(detector.threshold)
        with torch.no_grad():
            self._size = detector.input_size(original)
            look = detector.look(original, self._size)
            self._features = list(look.features.values())
            logits, labels = look.logits, list(range(len(detector.classes)))
            if self._hides_all:
                # Classes that are not even suspected take no part, which makes some detectors' passes much shorter.
                best = look.logits.amax((0, 1))
                labels = torch.where((best.sigmoid() >= CONSIDERED) | (best == best.max()))[0].tolist()
                detector, logits = detector.limited_to(labels), look.logits[..., labels]
            self._detector = detector
            self._sensitive = torch.tensor([not sensitive or label in sensitive for label in labels], device=original.device)
            self._has_others = not bool(self._sensitive.all())
            self._considered = logits.sigmoid() >= CONSIDERED
            self._reference = self._task(logits).clamp(min=LEAST_REFERENCE)
            # The judge's criterion: whether a class that was found, or a sensitive one, is still found.
            self._judged = (logits.amax((0, 1)) >= self._found) if self._hides_all else self._sensitive
            # A photo without faces has none to hide. The features of objects stand in for unknown detectors' in any photo.
            self.is_needed = detector.is_general or bool((logits >= self._found).any())

    def aim(self, view: Tensor) -> Aim:
        look = self._detector.look(view, self._size)
        loss = self._task(look.logits) / self._reference
        if self._hides_all or not self._has_others:
            # If only some classes are to be hidden, pushing all features away would hide the others too.
            loss = loss + feature_loss(self._features, list(look.features.values()))
        return Aim(loss, not bool((look.logits.detach() >= self._found)[..., self._judged].any()))

    def _task(self, logits: Tensor) -> Tensor:
        chosen = (self._considered | (logits.detach() >= _logit(CONSIDERED_NOW))) & self._sensitive
        # The loss is -log(1 - score), in which high scores count most.
        total = functional.softplus(logits[chosen]).sum()
        if not self._has_others:
            return total
        cells = chosen.any(-1)
        others = logits.masked_fill(self._sensitive, -torch.inf).amax(-1)
        return total + 0.5 * (functional.softplus(-others) * cells).sum()


def _logit(share: float) -> float:
    return float(torch.logit(torch.tensor(share)))
