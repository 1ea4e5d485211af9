"""The network behind the embedded hash encoders: residual, for images as small as CIFAR-10's."""

from collections.abc import Sequence

from torch import Tensor, nn

from protectors.adversaries.dense_resnet import ResidualBlock

SIDE = 32
"""Pixels at which it reads images."""


class HashNetwork(nn.Module):
    """Input [B, 3, 32, 32] normalised, output [B, bits]: real values whose signs are the code."""

    def __init__(self, bits: int, widths: Sequence[int] = (40, 80, 160)) -> None:
        super().__init__()
        first, second, third = widths
        self.features = nn.Sequential(
            nn.Conv2d(3, first, 3, 1, 1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            ResidualBlock(first, first, 1),
            ResidualBlock(first, second, 2),
            ResidualBlock(second, third, 2),
            ResidualBlock(third, third, 1),
        )
        self.hash = nn.Linear(third, bits)

    def forward(self, images: Tensor) -> Tensor:
        code: Tensor = self.hash(self.features(images).mean((2, 3)))
        return code
