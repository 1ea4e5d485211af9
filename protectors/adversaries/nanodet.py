"""NanoDet, trained on COCO by others."""

from collections.abc import Sequence

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

    def _keep(self, labels: Sequence[int]) -> None:
        # Each output has the classes' channels first, and then those of the boxes.
        count = len(self.classes)
        kept = {name: torch.tensor([*labels, *range(count, self.network.channels(name))]) for name in self.outputs}
        self.network = self.network.narrowed(kept)

    def logits(self, outputs: dict[str, Tensor]) -> Tensor:
        count = len(self.classes)
        return torch.cat([flat(outputs[name][:, :count], count) for name in self.outputs], 1)

    def boxes(self, outputs: dict[str, Tensor], size: tuple[int, int]) -> Tensor:
        boxes = []
        for name, stride in zip(self.outputs, self.strides, strict=True):
            bins = outputs[name][:, len(self.classes) :]
            boxes.append(boxes_of_bins(flat(bins, bins.shape[1]), bins.shape[2], bins.shape[3], stride, self.side))
        return torch.cat(boxes, 1)
