"""NudeNet's YOLOv8n, of which the faces are read. It is a judge only: no delivered cloak is optimised on it."""

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
        height, width = self._fitted((images.shape[2], images.shape[3]))
        # Padded only when small: the square round a long and narrow photo would need gigabytes.
        small = functional.pad(resized(images, height, width), (0, self.side - width, 0, self.side - height))
        return super().look(small, size)

    def _fitted(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the height and width that an image has within the square."""
        height, width = (max(1, round(length * self.side / max(size))) for length in size)
        return height, width

    def logits(self, outputs: dict[str, Tensor]) -> Tensor:
        scores = [flat(made, made.shape[1]) for made in (outputs[name] for name in self.outputs[3:])]
        return torch.cat([one[..., list(FACES)].amax(-1, keepdim=True) for one in scores], 1)

    def boxes(self, outputs: dict[str, Tensor], size: tuple[int, int]) -> Tensor:
        made = [(outputs[name], stride) for name, stride in zip(self.outputs[:3], self.strides, strict=True)]
        boxes = [
            boxes_of_bins(flat(bins, bins.shape[1]), bins.shape[2], bins.shape[3], stride, self.side) for bins, stride in made
        ]
        # They are shares of the square's side.
        height, width = self._fitted(size)
        return torch.cat(boxes, 1) / (torch.tensor([width, height, width, height], device=self.device) / self.side)
