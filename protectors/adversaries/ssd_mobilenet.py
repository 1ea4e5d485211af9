"""SSD MobileNetV2, trained on COCO by others: TensorFlow's detection zoo of 2018-03-29."""

from collections.abc import Sequence

import torch
from torch import Tensor

from protectors.adversaries.coco import WITH_GAPS
from protectors.adversaries.detector import NO_CLASSES
from protectors.adversaries.one_stage import OneStageDetector, centres, flat
from protectors.pretrained.network import GraphNetwork

GRIDS = (19, 10, 5, 3, 2, 1)
"""Cells along each side of the six grids."""

CODER = (10.0, 10.0, 5.0, 5.0)
"""Scales of the network's box codes (the box coder of Faster R-CNN)."""


class SSDMobileNet(OneStageDetector):
    """SSD (Liu et al., 2016) on MobileNetV2 (Sandler et al., 2018), as TensorFlow's detection zoo of 2018-03-29 trained it.

    Its anchors are the zoo's: six grids, scales from 0.2 to 0.95, three boxes in each cell of the first, six in the others.
    """

    side = 300
    outputs = tuple(
        f"BoxPredictor_{grid}/{kind}/BiasAdd" for grid in range(6) for kind in ("ClassPredictor", "BoxEncodingPredictor")
    )
    predictors = outputs[::2]
    """The outputs that are logits of classes; the others are boxes."""

    stages = tuple(
        f"FeatureExtractor/MobilenetV2/{layer}" for layer in ("expanded_conv_5/add", "expanded_conv_12/add", "Conv_1/Relu6")
    )

    def __init__(self, name: str, network: GraphNetwork, classes: Sequence[str], threshold: float) -> None:
        real = [number for number, name in enumerate(WITH_GAPS) if name not in NO_CLASSES]
        super().__init__(name, _of_classes(network, self.predictors, len(WITH_GAPS), real), classes, threshold)
        self.anchors = anchors(GRIDS).to(self.device)
        self.coder = torch.tensor(CODER, device=self.device)

    def prepared(self, images: Tensor) -> Tensor:
        return images * 2 - 1

    def _keep(self, labels: Sequence[int]) -> None:
        # The last convolutions, one filter for each class and anchor, take nearly half the time of a pass.
        self.network = _of_classes(self.network, self.predictors, len(self.classes), labels)

    def logits(self, outputs: dict[str, Tensor]) -> Tensor:
        return torch.cat([flat(outputs[name], len(self.classes)) for name in self.predictors], 1)

    def boxes(self, outputs: dict[str, Tensor], size: tuple[int, int]) -> Tensor:
        codes = torch.cat([flat(outputs[name], 4) for name in self.outputs[1::2]], 1) / self.coder
        middle = codes[..., :2] * self.anchors[:, 2:] + self.anchors[:, :2]
        half = codes[..., 2:].exp() * self.anchors[:, 2:] / 2
        # The zoo's codes put y before x.
        return torch.cat([middle - half, middle + half], -1)[..., [1, 0, 3, 2]]


def _of_classes(network: GraphNetwork, predictors: Sequence[str], classes: int, labels: Sequence[int]) -> GraphNetwork:
    """Return a network that predicts only some of its classes; a predictor's channels are each anchor's classes in turn."""

    def kept(channels: int) -> Tensor:
        return (torch.arange(0, channels, classes)[:, None] + torch.tensor(labels)).flatten()

    return network.narrowed({name: kept(network.channels(name)) for name in predictors})


def anchors(grids: Sequence[int], smallest: float = 0.2, largest: float = 0.95) -> Tensor:
    """Return the zoo's anchors [N, 4] (y, x, height, width, as shares of the image) for square grids."""
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
