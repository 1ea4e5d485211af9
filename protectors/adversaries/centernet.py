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

    def decoded(self, outputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        heat, distances = outputs[self.outputs[0]], outputs[self.outputs[1]]
        peaks = functional.max_pool2d(heat, 3, 1, 1)
        # Only local maxima of the heatmap are objects.
        heat = torch.where(heat == peaks, heat, heat.new_tensor(-30.0))
        cells = flat(distances, 4)
        stride = self.side / heat.shape[3]
        middles = (centres(heat.shape[2], heat.shape[3], heat.device) - 0.5) * stride
        boxes = torch.cat([middles - cells[..., :2], middles + cells[..., 2:]], -1) / self.side
        return flat(heat, heat.shape[1]), boxes
