"""NanoDet, trained on COCO by others."""

import torch
from torch import Tensor

from protectors.adversaries.image_network import normalised
from protectors.adversaries.one_stage import OneStageDetector, boxes_of_bins, flat


class NanoDet(OneStageDetector):
    """NanoDet-g (RangiLyu, 2021), with cells on three grids. It predicts the distances to a box's sides as distributions over
    11 bins (Generalized Focal Loss, Li et al., 2020)."""

    side = 416
    outputs = ("PartitionedCall/Add_29", "PartitionedCall/Add_33", "PartitionedCall/Add_37")
    stages = tuple(f"PartitionedCall/onnx_tf_prefix_Concat_{number}" for number in (27, 42, 62))
    strides = (8, 16, 32)

    def prepared(self, images: Tensor) -> Tensor:
        # It was trained on OpenCV's BGR order. Its package says RGB / 255, which finds half as much on COCO photos.
        return normalised(images).flip(1)

    def decoded(self, outputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        logits, boxes = [], []
        for name, stride in zip(self.outputs, self.strides, strict=True):
            made = outputs[name]
            cells = flat(made, made.shape[1])
            logits.append(cells[..., : len(self.classes)])
            boxes.append(boxes_of_bins(cells[..., len(self.classes) :], made.shape[2], made.shape[3], stride, self.side))
        return torch.cat(logits, 1), torch.cat(boxes, 1)
