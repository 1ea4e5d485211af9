"""One-stage detectors, in which every anchor or cell of a grid has class scores and a box.

Each network is a frozen graph (``protectors/pretrained``); its subclass prepares images and decodes boxes.
"""

from abc import abstractmethod
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import batched_nms

from protectors.adversaries.detector import Detector
from protectors.adversaries.reading import Detection
from protectors.channel.resizing import resized
from protectors.pretrained.network import GraphNetwork

OVERLAP = 0.5
"""Intersection over union above which two boxes of a class count as one object."""

MOST = 100
"""Largest number of objects reported for a photo."""


@dataclass(frozen=True)
class CellLook:
    """One pass over images: class logits [B, cells, classes], named feature maps [B, C, h, w], and the graph's outputs, of
    which boxes can be decoded."""

    logits: Tensor
    features: dict[str, Tensor]
    outputs: dict[str, Tensor]


class OneStageDetector(Detector):
    """A detector with class logits and a box for every cell."""

    side: int
    """Side in pixels of the network's square input, or its longest side."""

    is_general = True
    """Whether it finds objects of many kinds."""

    stages: tuple[str, ...]
    """Names of the graph's maps that serve as features, from early to late."""

    def __init__(self, name: str, network: GraphNetwork, classes: Sequence[str], threshold: float) -> None:
        super().__init__(name, classes, threshold)
        self.network = network.eval().requires_grad_(False)
        self._chosen: Tensor | None = None
        self.device = next(network.buffers()).device

    def input_size(self, images: Tensor) -> tuple[int, int]:
        """Return the height and width to which the network's program resizes images: a square, whatever their proportions."""
        return self.side, self.side

    @abstractmethod
    def prepared(self, images: Tensor) -> Tensor:
        """Turn images in [0, 1] at the network's size into its input."""

    @abstractmethod
    def logits(self, outputs: dict[str, Tensor]) -> Tensor:
        """Decode the graph's outputs to class logits [B, cells, classes]."""

    @abstractmethod
    def boxes(self, outputs: dict[str, Tensor], size: tuple[int, int]) -> Tensor:
        """Decode the graph's outputs to boxes [B, cells, 4] (xyxy, as shares of the sides of images of height and width
        ``size``)."""

    def limited_to(self, labels: Sequence[int]) -> Self:
        """Return a detector of only some of the classes, in this order, which shares this one's weights."""
        made = copy(self)
        made._keep(labels)
        made.classes = tuple(self.classes[label] for label in labels)
        return made

    def _keep(self, labels: Sequence[int]) -> None:
        """Compute or return only the logits of some labels from now on."""
        chosen = torch.tensor(labels, device=self.device)
        self._chosen = chosen if self._chosen is None else self._chosen[chosen]

    def look(self, images: Tensor, size: tuple[int, int] | None = None) -> CellLook:
        """Pass images through the network once; differentiable.

        ``size`` is the input's. It is given for views of a photo, so that their cells are those of the photo: a smaller view
        has slightly other proportions.
        """
        size = size or self.input_size(images)
        made = self.network(self.prepared(resized(images, *size)), self.stages)
        logits = self.logits(made)
        if self._chosen is not None:
            logits = logits[..., self._chosen]
        return CellLook(logits, {name: made[name] for name in self.stages}, made)

    @torch.no_grad()
    def detect(self, images: Tensor, threshold: float = 0.3) -> list[list[Detection]]:
        """Return the objects in each image with at least the score ``threshold``; boxes are in pixels of the given images."""
        look = self.look(images)
        height, width = images.shape[2:]
        sides = torch.tensor([width, height, width, height], device=images.device)
        boxes = self.boxes(look.outputs, (height, width)).clamp(0, 1) * sides
        pairs = zip(look.logits.sigmoid(), boxes, strict=True)
        return [self._found(scores, boxes, threshold) for scores, boxes in pairs]

    def _found(self, scores: Tensor, boxes: Tensor, threshold: float) -> list[Detection]:
        cells, labels = torch.where(scores >= threshold)
        values, chosen = scores[cells, labels], boxes[cells]
        kept = batched_nms(chosen, values, labels, OVERLAP)[:MOST]
        return [
            Detection(self.classes[label], score, (box[0], box[1], box[2], box[3]))
            for label, score, box in zip(labels[kept].tolist(), values[kept].tolist(), chosen[kept].tolist(), strict=True)
        ]


def flat(output: Tensor, values: int) -> Tensor:
    """Reshape a map [B, anchors * values, h, w] to [B, h * w * anchors, values], in TensorFlow's order of boxes."""
    batch, channels, height, width = output.shape
    anchors = channels // values
    return output.reshape(batch, anchors, values, height, width).permute(0, 3, 4, 1, 2).reshape(batch, -1, values)


def boxes_of_bins(bins: Tensor, height: int, width: int, stride: int, side: int) -> Tensor:
    """Decode the cells of a grid to boxes [B, cells, 4] (xyxy, as shares of the side of a square input).

    The distance from a cell's centre to each side of the box is a distribution over bins, in units of cells.
    Source: Li et al., Generalized Focal Loss (2020).

    Args:
        bins: logits [B, cells, 4 * bins].
        height: rows of cells.
        width: columns of cells.
        stride: side of a cell in pixels.
        side: side of the input in pixels.
    """
    shares = functional.softmax(bins.unflatten(-1, (4, -1)), -1)
    distances = (shares * torch.arange(shares.shape[-1], device=bins.device)).sum(-1)
    middles = centres(height, width, bins.device)
    return torch.cat([middles - distances[..., :2], middles + distances[..., 2:]], -1) * stride / side


def centres(height: int, width: int, device: torch.device) -> Tensor:
    """Return the centres [height * width, 2] (x, y) of a grid's cells, in units of cells."""
    y, x = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2) + 0.5
