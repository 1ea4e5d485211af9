"""Detectors that read a photo in one stage: every anchor or cell of a grid has class scores and a box.

Each network is a frozen graph (``protectors/pretrained``); its subclass says how images go in and how boxes come out.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import batched_nms

from protectors.adversaries.coco import CLASSES
from protectors.adversaries.image_network import normalised
from protectors.base import Detection
from protectors.channel.resizing import resized
from protectors.pretrained.network import GraphNetwork

OVERLAP = 0.5
"""Intersection over union from which on two boxes of a class count as one object."""

MOST = 100
"""Objects that are reported for a photo."""


@dataclass(frozen=True)
class Reading:
    """What a network computed for images: class logits [B, cells, classes], boxes [B, cells, 4] (xyxy, as shares of the
    image's sides), and named feature maps [B, C, h, w]."""

    logits: Tensor
    boxes: Tensor
    features: dict[str, Tensor]


class OneStageDetector(nn.Module, ABC):
    """A detector over COCO's classes, or over others. Images are float32 [B, 3, H, W] in [0, 1], of any size."""

    side: int
    """Pixels of the square that the network reads."""

    stages: tuple[str, ...]
    """The names of the graph's tensors that are its features, from early to late."""

    def __init__(self, name: str, network: GraphNetwork, classes: Sequence[str] = CLASSES, threshold: float = 0.3) -> None:
        super().__init__()
        self.name = name
        self.network = network.eval().requires_grad_(False)
        self.classes = tuple(classes)
        self.threshold = threshold

    @abstractmethod
    def prepared(self, images: Tensor) -> Tensor:
        """Images in [0, 1] at the network's size as the network reads them."""

    @abstractmethod
    def decoded(self, outputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Class logits [B, cells, classes] and boxes [B, cells, 4] of the graph's outputs."""

    def look(self, images: Tensor) -> Reading:
        """One pass of the network over images; differentiable."""
        if images.shape[2:] != (self.side, self.side):
            images = resized(images, self.side, self.side)
        made = self.network(self.prepared(images), self.stages)
        logits, boxes = self.decoded(made)
        return Reading(logits, boxes, {name: made[name] for name in self.stages})

    @torch.no_grad()
    def detect(self, images: Tensor, threshold: float | None = None) -> list[list[Detection]]:
        """The objects in each image with at least the threshold as score; boxes in pixels of the images given."""
        least = self.threshold if threshold is None else threshold
        reading = self.look(images)
        height, width = images.shape[2:]
        sides = torch.tensor([width, height, width, height], device=images.device)
        scores = self.scores(reading.logits)
        return [
            self._found(own, boxes.clamp(0, 1) * sides, least) for own, boxes in zip(scores, reading.boxes, strict=True)
        ]

    def scores(self, logits: Tensor) -> Tensor:
        """Scores in [0, 1] of class logits."""
        return logits.sigmoid()

    def _found(self, scores: Tensor, boxes: Tensor, threshold: float) -> list[Detection]:
        cells, labels = torch.where(scores >= threshold)
        values, chosen = scores[cells, labels], boxes[cells]
        kept = batched_nms(chosen, values, labels, OVERLAP)[:MOST]
        return [
            Detection(self.classes[label], score, (box[0], box[1], box[2], box[3]))
            for label, score, box in zip(labels[kept].tolist(), values[kept].tolist(), chosen[kept].tolist(), strict=True)
        ]


def flat(output: Tensor, values: int) -> Tensor:
    """A map [B, anchors * values, h, w] as [B, h * w * anchors, values], in the order of TensorFlow's own boxes."""
    batch, channels, height, width = output.shape
    anchors = channels // values
    return output.reshape(batch, anchors, values, height, width).permute(0, 3, 4, 1, 2).reshape(batch, -1, values)


def centres(height: int, width: int, device: torch.device) -> Tensor:
    """The middles [height * width, 2] (x, y) of a grid's cells, in cells."""
    y, x = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2) + 0.5


class SSDMobileNet(OneStageDetector):
    """SSD (Liu et al., 2016) on MobileNetV2 (Sandler et al., 2018), as TensorFlow's detection zoo of 2018-03-29 trained it.

    Its anchors are the zoo's own: six grids, scales from 0.2 to 0.95, three boxes a cell in the first grid and six in the others.
    """

    side = 300
    outputs = tuple(f"BoxPredictor_{grid}/{kind}/BiasAdd" for grid in range(6) for kind in ("ClassPredictor", "BoxEncodingPredictor"))
    stages = tuple(f"FeatureExtractor/MobilenetV2/{layer}" for layer in ("expanded_conv_5/add", "expanded_conv_12/add", "Conv_1/Relu6"))
    coder = (10.0, 10.0, 5.0, 5.0)
    """How much the network's box codes are larger than what they say (Faster R-CNN's box coder)."""

    def __init__(self, name: str, network: GraphNetwork, classes: Sequence[str] = CLASSES, threshold: float = 0.3) -> None:
        super().__init__(name, network, classes, threshold)
        self.register_buffer("anchors", ssd_anchors((19, 10, 5, 3, 2, 1)))
        kept = [number for number, label in enumerate(_coco_labels()) if label]
        self.register_buffer("labels", torch.tensor(kept))

    def prepared(self, images: Tensor) -> Tensor:
        return images * 2 - 1

    def decoded(self, outputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        logits = torch.cat([flat(outputs[name], 91) for name in self.outputs[::2]], 1)
        codes = torch.cat([flat(outputs[name], 4) for name in self.outputs[1::2]], 1) / codes_scale(outputs, self.coder)
        middle = codes[..., :2] * self.anchors[:, 2:] + self.anchors[:, :2]
        half = codes[..., 2:].exp() * self.anchors[:, 2:] / 2
        # y before x in the zoo's codes.
        boxes = torch.cat([middle - half, middle + half], -1)[..., [1, 0, 3, 2]]
        return logits[..., self.labels], boxes


def codes_scale(outputs: dict[str, Tensor], coder: Sequence[float]) -> Tensor:
    return torch.tensor(coder, device=next(iter(outputs.values())).device)


def _coco_labels() -> list[bool]:
    from protectors.adversaries.coco import UNUSED, WITH_GAPS

    return [name not in UNUSED for name in WITH_GAPS]


def ssd_anchors(grids: Sequence[int], smallest: float = 0.2, largest: float = 0.95) -> Tensor:
    """The zoo's anchors [N, 4] (y, x, height, width, as shares of the image) for square grids."""
    steps = len(grids) - 1
    scales = [smallest + (largest - smallest) * number / steps for number in range(len(grids))] + [1.0]
    made = []
    for number, cells in enumerate(grids):
        scale = scales[number]
        shapes = [(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 1 / 3)] + [((scale * scales[number + 1]) ** 0.5, 1.0)]
        if number == 0:
            shapes = [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
        sizes = torch.tensor([(size / ratio**0.5, size * ratio**0.5) for size, ratio in shapes])
        middles = centres(cells, cells, torch.device("cpu")).flip(1) / cells
        pairs = torch.cat([middles[:, None].expand(-1, len(sizes), -1), sizes[None].expand(len(middles), -1, -1)], 2)
        made.append(pairs.reshape(-1, 4))
    return torch.cat(made)


class NanoDet(OneStageDetector):
    """NanoDet-g (RangiLyu, 2021): cells of three grids, distances to the box's sides as distributions over 11 bins (Generalized
    Focal Loss, Li et al., 2020)."""

    side = 416
    outputs = ("PartitionedCall/Add_29", "PartitionedCall/Add_33", "PartitionedCall/Add_37")
    stages = tuple(f"PartitionedCall/onnx_tf_prefix_Concat_{number}" for number in (27, 42, 62))
    strides = (8, 16, 32)
    bins = 11

    def prepared(self, images: Tensor) -> Tensor:
        # Its training read OpenCV's order of colours. The package it comes in says RGB / 255; measured on COCO photos, that
        # finds half as much.
        return normalised(images).flip(1)

    def decoded(self, outputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        logits, boxes = [], []
        for name, stride in zip(self.outputs, self.strides, strict=True):
            made = outputs[name]
            cells = flat(made, made.shape[1])
            logits.append(cells[..., : len(self.classes)])
            shares = functional.softmax(cells[..., len(self.classes) :].unflatten(-1, (4, self.bins)), -1)
            distances = (shares * torch.arange(self.bins, device=made.device)).sum(-1)
            middles = centres(made.shape[2], made.shape[3], made.device)
            boxes.append(torch.cat([middles - distances[..., :2], middles + distances[..., 2:]], -1) * stride / self.side)
        return torch.cat(logits, 1), torch.cat(boxes, 1)


class CenterNet(OneStageDetector):
    """CenterNet (Zhou et al., Objects as Points, 2019) on MobileNetV3: peaks of a heatmap are objects."""

    side = 512
    outputs = ("tower_0/CenternetHead/centernet_cls_output/BiasAdd", "tower_0/mul")
    stages = ()

    def prepared(self, images: Tensor) -> Tensor:
        return images * 255

    def decoded(self, outputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        heat, distances = outputs[self.outputs[0]], outputs[self.outputs[1]]
        peaks = functional.max_pool2d(heat, 3, 1, 1)
        # Only the peak of a blob is an object.
        heat = torch.where(heat == peaks, heat, heat.new_tensor(-30.0))
        cells = flat(distances, 4)
        stride = self.side / heat.shape[3]
        middles = (centres(heat.shape[2], heat.shape[3], heat.device) - 0.5) * stride
        boxes = torch.cat([middles - cells[..., :2], middles + cells[..., 2:]], -1) / self.side
        return flat(heat, heat.shape[1]), boxes
