"""NudeNet's YOLOv8n, of which the faces are read. It is a judge only: no delivered cloak is optimised on it."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.one_stage import CellLook, OneStageDetector, boxes_of_bins, flat
from protectors.channel.resizing import resized

FACES = (1, 12)
"""The network's labels for women's and men's faces. Its other 16 are parts of naked or dressed bodies."""


class YoloFaces(OneStageDetector):
    """YOLOv8n (Ultralytics, 2023) with cells on three grids. It predicts the distances to a box's sides as distributions over
    16 bins. Its program puts a photo into the corner of a black square."""

    side = 320
    is_general = False
    outputs = tuple(
        f"/model.22/cv{branch}.{level}/cv{branch}.{level}.2/Conv_output_0" for branch in (2, 3) for level in range(3)
    )
    stages = ()
    strides = (8, 16, 32)

    def prepared(self, images: Tensor) -> Tensor:
        return images

    def look(self, images: Tensor, size: tuple[int, int] | None = None) -> CellLook:
        scale = self.side / max(images.shape[2:])
        height, width = (max(1, round(length * scale)) for length in images.shape[2:])
        # Padded only when small: the square round a long and narrow photo would need gigabytes.
        small = functional.pad(resized(images, height, width), (0, self.side - width, 0, self.side - height))
        look = super().look(small, size)
        # The boxes are shares of the square's side.
        sides = torch.tensor([width, height, width, height], device=images.device) / self.side
        return replace(look, boxes=look.boxes / sides)

    def decoded(self, outputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        made = [outputs[name] for name in self.outputs]
        logits, boxes = [], []
        for distances, scores, stride in zip(made[:3], made[3:], self.strides, strict=True):
            logits.append(flat(scores, scores.shape[1])[..., list(FACES)].amax(-1, keepdim=True))
            height, width = distances.shape[2:]
            boxes.append(boxes_of_bins(flat(distances, distances.shape[1]), height, width, stride, self.side))
        return torch.cat(logits, 1), torch.cat(boxes, 1)
