"""The U-Net that draws protective perturbations.

Source: Ronneberger, Fischer, Brox, "U-Net" (2015), with batch normalisation and half the channels. It has 7.766 million
parameters, as many as the generator of the protective-perturbation paper.
"""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

DEPTH = 4
"""Number of times that the resolution is halved."""

FEW_PLACES = 16
"""Largest number of places in a plane at which, in bfloat16 on a CPU, a matrix product is quicker than a convolution."""


class Convolution(nn.Conv2d):
    """A 3x3 convolution from [B, in, H, W] to [B, out, H, W].

    In bfloat16 on a CPU, it computes planes of few places as one matrix product. There oneDNN's convolutions (torch 2.14.1,
    with AMX) take two to six times as long, and the U-Net's two lowest levels would cost more than all others.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 3, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        height, width = features.shape[2:]
        if features.dtype != torch.bfloat16 or features.device.type != "cpu" or height * width > FEW_PLACES:
            return super().forward(features)
        padded = functional.pad(features.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
        shifted = [padded[:, row : row + height, column : column + width] for row in range(3) for column in range(3)]
        weight = self.weight.permute(2, 3, 1, 0).reshape(-1, self.out_channels).to(features.dtype)
        made = torch.cat(shifted, 3).flatten(0, 2) @ weight
        if self.bias is not None:
            made = made + self.bias.to(features.dtype)
        return made.reshape(len(features), height, width, self.out_channels).permute(0, 3, 1, 2)


class DoubleConvolution(nn.Sequential):
    """Two 3x3 convolutions, each with batch normalisation and ReLU, from [B, in, H, W] to [B, out, H, W]."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        layers: list[nn.Module] = []
        for first in (channels_in, channels_out):
            layers += [Convolution(first, channels_out), nn.BatchNorm2d(channels_out), nn.ReLU()]
        super().__init__(*layers)


class UNet(nn.Module):
    """A U-Net from [B, 3, H, W] to [B, 3, H, W], of any size: images are padded to multiples of 16, and cropped again."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(DEPTH + 1)]
        self.entry = DoubleConvolution(3, width)
        self.down = nn.ModuleList(DoubleConvolution(*pair) for pair in itertools.pairwise(widths))
        self.widen = nn.ModuleList(nn.ConvTranspose2d(2 * channels, channels, 2, 2) for channels in reversed(widths[:-1]))
        self.up = nn.ModuleList(DoubleConvolution(2 * channels, channels) for channels in reversed(widths[:-1]))
        self.exit = nn.Conv2d(width, 3, 1)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        multiple = 2**DEPTH
        # Mirroring needs images larger than the padding; smaller ones repeat their edges.
        missing = (-height % multiple, -width % multiple)
        mode = "reflect" if missing[0] < height and missing[1] < width else "replicate"
        features = self.entry(functional.pad(images, (0, missing[1], 0, missing[0]), mode=mode))
        passed = []
        for down in self.down:
            passed.append(features)
            features = down(functional.max_pool2d(features, 2))
        for widen, up in zip(self.widen, self.up, strict=True):
            features = up(torch.cat([passed.pop(), widen(features)], 1))
        drawn: Tensor = self.exit(features)
        return drawn[:, :, :height, :width]
