"""CenterFace, a detector of faces, trained on WIDER FACE by others."""

import torch
from torch import Tensor

from protectors.adversaries.one_stage import OneStageDetector, centres, flat


class CenterFace(OneStageDetector):
    """CenterFace (Xu et al., 2019) on MobileNetV2: a heatmap of faces at a quarter of the resolution, with a size and an offset
    for each cell. Its programs keep a photo's proportions."""

    side = 512
    is_general = False
    outputs = ("536", "538", "539")
    stages = ("413", "474", "511")
    multiple = 32
    stride = 4

    def input_size(self, images: Tensor) -> tuple[int, int]:
        scale = self.side / max(images.shape[2:])
        height, width = (max(1, round(length * scale / self.multiple)) * self.multiple for length in images.shape[2:])
        return height, width

    def prepared(self, images: Tensor) -> Tensor:
        return images * 255

    def logits(self, outputs: dict[str, Tensor]) -> Tensor:
        return flat(outputs[self.outputs[0]], 1)

    def boxes(self, outputs: dict[str, Tensor], size: tuple[int, int]) -> Tensor:
        _, sizes, offsets = (outputs[name] for name in self.outputs)
        height, width = sizes.shape[2:]
        cells = torch.tensor([width, height], device=sizes.device)
        # The network gives height before width, and y before x.
        middles = centres(height, width, sizes.device) + flat(offsets, 2).flip(-1)
        halves = flat(sizes, 2).exp().flip(-1) / 2
        return torch.cat([(middles - halves) / cells, (middles + halves) / cells], -1)
