"""Parts of a step that make a cloak transfer to unknown models; any objective can combine them.

A step's gradient overfits the surrogate. Two kinds of parts reduce that: *views*, variants of the photo over which the gradient
is summed, and *memory*, the sum of earlier steps' gradients.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from protectors.channel.resizing import resized

SMALLEST_VIEW = 0.8
"""Smallest scale of a diverse view."""

SCALES = 5
"""Number of copies that scale invariance reads, each half as bright as the one before."""

BLOCKS = 2
"""Blocks along each side that are shuffled and rotated."""

TURN = 24.0
"""Largest rotation of a block in degrees."""

STRUCTURE_BLOCKS = 3
"""Blocks along each side that are transformed independently."""


class Momentum:
    """Sums the normalised gradients of all steps, with earlier ones multiplied by ``decay`` at each step.

    Source: Dong et al., Boosting adversarial attacks with momentum (CVPR 2018), equation 6.
    """

    def __init__(self, decay: float = 1.0) -> None:
        self.decay = decay
        self.sum: Tensor | float = 0.0

    def after(self, gradient: Tensor) -> Tensor:
        """Add the gradient of this step and return the sum [B, 3, H, W]."""
        made: Tensor = self.decay * self.sum + gradient / gradient.abs().mean((1, 2, 3), keepdim=True).clamp(min=1e-12)
        self.sum = made
        return made


def diverse(images: Tensor, chance: torch.Generator) -> Tensor:
    """Shrink images [B, 3, H, W] a little, place them at random in a frame of repeated edges, and mirror them half the time.

    Source: Xie et al., Improving transferability of adversarial examples with input diversity (CVPR 2019), who pad with black
    and do not mirror.
    """
    height, width = images.shape[2:]
    scale = SMALLEST_VIEW + (1 - SMALLEST_VIEW) * float(torch.rand(1, generator=chance))
    small = resized(images, max(1, round(height * scale)), max(1, round(width * scale)))
    rows, columns = height - small.shape[2], width - small.shape[3]
    top, left = (int(torch.randint(0, free + 1, (1,), generator=chance)) for free in (rows, columns))
    framed: Tensor = functional.pad(small, (left, columns - left, top, rows - top), mode="replicate")
    return framed.flip(3) if float(torch.rand(1, generator=chance)) < 0.5 else framed


def scaled(images: Tensor, number: int) -> Tensor:
    """Return images darkened by a factor of 2^-number.

    Source: Lin et al., Nesterov accelerated gradient and scale invariance for adversarial attacks (ICLR 2020).
    """
    return images / float(2**number)


def shuffled(images: Tensor, chance: torch.Generator) -> Tensor:
    """Cut images [B, 3, H, W] into blocks at random places, rotate the blocks a little, and shuffle them.

    Source: Wang et al., Boosting adversarial transferability by block shuffle and rotation (CVPR 2024).
    """
    columns = _cut(images.shape[3], BLOCKS, chance)
    strips = list(images.split(columns, 3))
    order = torch.randperm(BLOCKS, generator=chance).tolist()
    return torch.cat([_shuffled_rows(strips[place], chance) for place in order], 3)


def _shuffled_rows(strip: Tensor, chance: torch.Generator) -> Tensor:
    blocks = list(strip.split(_cut(strip.shape[2], BLOCKS, chance), 2))
    order = torch.randperm(BLOCKS, generator=chance).tolist()
    return torch.cat([_turned(blocks[place], TURN * (2 * _uniform(chance) - 1)) for place in order], 2)


def varied(images: Tensor, chance: torch.Generator) -> Tensor:
    """Transform each block of images [B, 3, H, W] independently, and leave the blocks in their places.

    Source: Wang, Zhang, Zhang, Structure invariant transformation for better adversarial transferability (ICCV 2023).
    """
    strips = images.split(_cut(images.shape[3], STRUCTURE_BLOCKS, chance), 3)
    columns = []
    for strip in strips:
        blocks = strip.split(_cut(strip.shape[2], STRUCTURE_BLOCKS, chance), 2)
        columns.append(torch.cat([_changed(block, chance) for block in blocks], 2))
    return torch.cat(columns, 3)


def _changed(block: Tensor, chance: torch.Generator) -> Tensor:
    """Apply one of eight random transformations to a block [B, 3, h, w]; its size stays the same."""
    which = int(torch.randint(0, 8, (1,), generator=chance))
    height, width = block.shape[2:]
    if which == 0:
        return block.roll(int(_uniform(chance) * height), 2)
    if which == 1:
        return block.roll(int(_uniform(chance) * width), 3)
    if which == 2:
        return block.flip(2)
    if which == 3:
        return block.flip(3)
    if which == 4:
        return block.rot90(2, (2, 3))
    if which == 5:
        return block * _uniform(chance)
    if which == 6:
        noise = torch.rand(block.shape[1:], generator=chance).to(block)
        return (block + (2 * noise - 1) * 16 / 255).clamp(0, 1)
    small = resized(block, max(1, height // 2), max(1, width // 2))
    return functional.interpolate(small, (height, width), mode="bilinear", align_corners=False)


def _turned(block: Tensor, degrees: float) -> Tensor:
    """Rotate a block [B, 3, h, w] around its middle, with black outside, as in the paper."""
    angle = math.radians(degrees)
    height, width = block.shape[2:]
    # Sampling positions are in units of half the height and half the width.
    matrix = torch.tensor(
        [
            [math.cos(angle), -math.sin(angle) * height / width, 0.0],
            [math.sin(angle) * width / height, math.cos(angle), 0.0],
        ]
    ).to(block)
    grid = functional.affine_grid(matrix.expand(len(block), 2, 3), list(block.shape), align_corners=False)
    return functional.grid_sample(block, grid, align_corners=False)


def _cut(side: int, count: int, chance: torch.Generator) -> list[int]:
    """Cut a side at random into ``count`` parts, none of them empty, and return their lengths."""
    if side < count:
        raise ValueError(f"{side} pixels cannot be cut into {count} parts")
    cuts = sorted((torch.randperm(side - 1, generator=chance)[: count - 1] + 1).tolist())
    return [after - before for before, after in zip([0, *cuts], [*cuts, side], strict=True)]


def _uniform(chance: torch.Generator) -> float:
    return float(torch.rand(1, generator=chance))
