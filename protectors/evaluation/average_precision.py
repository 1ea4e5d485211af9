"""Average precision of a detector for one class at one overlap."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


def overlaps(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the intersection over union [N, M] of boxes [N, 4] and [M, 4] (xyxy)."""
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = (bottom_right - top_left).clip(0).prod(2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float32)


@dataclass
class AveragePrecision:
    """Area under the interpolated precision-recall curve (Everingham et al., PASCAL VOC, 2010, from VOC2010 on).

    A detection is right when it overlaps a box of its class, not yet taken by a surer detection, by at least ``overlap``.
    """

    overlap: float = 0.5
    _scores: list[float] = field(default_factory=list)
    _right: list[bool] = field(default_factory=list)
    _boxes: int = 0

    def add(self, found: NDArray[np.float32], scores: NDArray[np.float32], real: NDArray[np.float32]) -> None:
        """Add one image's detections [N, 4] with scores [N], and its annotated boxes [M, 4], of one class."""
        self._boxes += len(real)
        taken = np.zeros(len(real), bool)
        shared = overlaps(found, real)
        for index in np.argsort(-scores):
            right = False
            if len(real):
                free = np.where(taken, -1.0, shared[index])
                best = int(free.argmax())
                if free[best] >= self.overlap:
                    taken[best] = right = True
            self._scores.append(float(scores[index]))
            self._right.append(right)

    @property
    def boxes(self) -> int:
        return self._boxes

    def value(self) -> float:
        """Return the average precision in [0, 1]; not a number if nothing is annotated."""
        if not self._boxes:
            return float("nan")
        order = np.argsort(-np.array(self._scores, np.float32), kind="stable")
        right = np.array(self._right, bool)[order]
        recall = right.cumsum() / self._boxes
        precision = right.cumsum() / np.arange(1, len(right) + 1)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        return float((np.diff(recall, prepend=0.0) * envelope).sum())
