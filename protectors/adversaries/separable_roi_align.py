"""RoIAlign written as two matrix products, because torchvision's backward pass is slow on a CPU.

RoIAlign (He et al., Mask R-CNN, 2017, section 3) averages bilinear samples over a grid in each bin. Both the bilinear kernel
and the grid are products of one factor along y and one along x, hence the whole operator is
``pooled[r, c] = Wy[r] @ features[c] @ Wx[r].T`` with small weight matrices. Values equal torchvision's
``roi_align(aligned=True)``, and BLAS computes matrix products and their gradients quickly.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def axis_weights(start: Tensor, end: Tensor, size: int, bins: int, samples: int) -> Tensor:
    """Return weights [R, bins, size] that average ``samples`` linear samples in each bin between ``start`` and ``end`` (cells).

    As in torchvision, samples more than one cell outside the map count as zero, and nearer ones take the border's value.
    """
    steps = (torch.arange(bins * samples, device=start.device, dtype=start.dtype) + 0.5) / (bins * samples)
    points = start[:, None] + (end - start)[:, None] * steps[None]
    inside = ((points >= -1.0) & (points <= size)).to(start.dtype)
    points = points.clamp(0, size - 1)
    cells = torch.arange(size, device=start.device, dtype=start.dtype)
    weights = (1 - (points[:, :, None] - cells).abs()).clamp(min=0) * inside[:, :, None]
    return weights.view(len(start), bins, samples, size).mean(2)


def separable_roi_align(features: Tensor, boxes: Tensor, scale: float, bins: int, samples: int = 2) -> Tensor:
    """Pool one image's map [C, H, W] over boxes [R, 4] (xyxy pixels; ``scale`` is cells per pixel) to [R, C, bins, bins]."""
    channels, height, width = features.shape
    corners = boxes * scale - 0.5
    along_y = axis_weights(corners[:, 1], corners[:, 3], height, bins, samples)
    along_x = axis_weights(corners[:, 0], corners[:, 2], width, bins, samples)
    rows = along_y.reshape(-1, height) @ features.permute(1, 0, 2).reshape(height, channels * width)
    rows = rows.view(len(boxes), bins * channels, width)
    pooled = torch.bmm(rows, along_x.transpose(1, 2))
    return pooled.view(len(boxes), bins, channels, bins).permute(0, 2, 1, 3)


class SeparableRoIPool(nn.Module):
    """Replaces torchvision's MultiScaleRoIAlign in Faster R-CNN: each box is pooled from one level of the pyramid.

    Boxes with a side of at least ``canonical`` pixels use the second level, of twice that the third, and so on (Lin et al.,
    Feature Pyramid Networks, 2017, equation 1, with a constant for photos of about 400 pixels).
    """

    def __init__(self, strides: Sequence[int], bins: int = 7, canonical: float = 112.0) -> None:
        super().__init__()
        self.strides = tuple(strides)
        self.bins = bins
        self.canonical = canonical

    def forward(self, features: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        """Pool each level's features [B, C, H, W] over the boxes [R, 4] of each image to [sum of R, C, bins, bins]."""
        levels = list(features.values())
        pooled = []
        for index, regions in enumerate(boxes):
            side = ((regions[:, 2] - regions[:, 0]) * (regions[:, 3] - regions[:, 1])).clamp(min=1e-6).sqrt()
            level = (torch.log2(side / self.canonical + 1e-6).floor() + 1).clamp(0, len(levels) - 1)
            out = levels[0].new_zeros(len(regions), levels[0].shape[1], self.bins, self.bins)
            for number, (maps, stride) in enumerate(zip(levels, self.strides, strict=True)):
                (chosen,) = torch.where(level == number)
                if len(chosen):
                    part = separable_roi_align(maps[index], regions[chosen], 1.0 / stride, self.bins)
                    out = out.index_copy(0, chosen, part)
            pooled.append(out)
        return torch.cat(pooled)
