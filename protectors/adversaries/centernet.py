"""CenterNet MobileNetV3, trained on COCO by others. It is a judge only: no delivered cloak is optimised on it."""

import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.one_stage import OneStageDetector, centres, flat


class CenterNet(OneStageDetector):
    """CenterNet (Zhou et al., Objects as Points, 2019) on MobileNetV3: peaks of a heatmap are objects."""

    side = 512
    outputs = ("tower_0/CenternetHead/centernet_cls_output/BiasAdd", "tower_0/mul")
    stages = ()

    def prepared(self, images: Tensor) -> Tensor:
        return images * 255

    def logits(self, outputs: dict[str, Tensor]) -> Tensor:
        heat = outputs[self.outputs[0]]
        peaks = functional.max_pool2d(heat, 3, 1, 1)
        # Only local maxima of the heatmap are objects.
        return flat(torch.where(heat == peaks, heat, heat.new_tensor(-30.0)), heat.shape[1])

    def boxes(self, outputs: dict[str, Tensor], size: tuple[int, int]) -> Tensor:
        distances = outputs[self.outputs[1]]
        height, width = distances.shape[2:]
        cells = flat(distances, 4)
        middles = (centres(height, width, distances.device) - 0.5) * self.side / width
        return torch.cat([middles - cells[..., :2], middles + cells[..., 2:]], -1) / self.side
