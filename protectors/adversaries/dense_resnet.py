"""A small residual network of dense 3x3 convolutions: the backbone of the embedded detector and of a classifier.

The block is from He et al. (Deep Residual Learning, 2016, section 3.3). Depthwise convolutions are avoided: they save
arithmetic but no time on most people's CPUs, and full convolutions give smoother gradients.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut. Input [B, in, H, W], output [B, out, H/stride, W/stride]."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            # Averaging before the projection lets every pixel contribute to the shortcut (He et al., Bag of Tricks, 2019).
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity(),
                nn.Conv2d(channels_in, channels_out, 1, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, features: Tensor) -> Tensor:
        inner = torch.relu(self.norm1(self.conv1(features)))
        return torch.relu(self.norm2(self.conv2(inner)) + self.shortcut(features))


class DenseResNet(nn.Module):
    """A stem at stride 4, then one stage for each width; each but the first halves the resolution.

    ``forward`` returns the maps of every stage but the first: "0" at stride 8, "1" at 16, "2" at 32.
    """

    def __init__(self, widths: Sequence[int] = (48, 96, 192, 320), blocks: Sequence[int] = (2, 2, 2, 2)) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0] // 2, 3, 2, 1, bias=False),
            nn.BatchNorm2d(widths[0] // 2),
            nn.ReLU(),
            nn.Conv2d(widths[0] // 2, widths[0], 3, 2, 1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        stages = []
        channels = widths[0]
        for index, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            stage = []
            for block in range(count):
                stage.append(ResidualBlock(channels, width, 2 if index > 0 and block == 0 else 1))
                channels = width
            stages.append(nn.Sequential(*stage))
        self.stages = nn.ModuleList(stages)

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        features = self.stem(images)
        maps: OrderedDict[str, Tensor] = OrderedDict()
        for index, stage in enumerate(self.stages):
            features = stage(features)
            if index > 0:
                maps[str(index - 1)] = features
        return maps


class DenseResNetClassifier(nn.Module):
    """DenseResNet, average pooling and a linear layer. Input [B, 3, H, W] normalised, output logits [B, classes]."""

    def __init__(self, classes: int, widths: Sequence[int] = (48, 96, 192, 320)) -> None:
        super().__init__()
        self.body = DenseResNet(widths)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        last = list(self.body(images).values())[-1]
        logits: Tensor = self.head(self.dropout(last.mean((2, 3))))
        return logits
