"""A plain stack of 3x3 convolutions without shortcuts, a different architecture to judge cloaks made on DenseResNet.

It follows Simonyan and Zisserman (Very deep convolutional networks, 2015), with batch normalisation.
"""

from collections.abc import Sequence

from torch import Tensor, nn


class PlainConvNet(nn.Module):
    """Two convolutions and a max pooling for each width. Input [B, 3, H, W] normalised, output logits [B, classes]."""

    def __init__(self, classes: int, widths: Sequence[int] = (32, 64, 128, 192)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in widths:
            for _ in range(2):
                # The first convolution halves the resolution, where most of the arithmetic would be spent otherwise.
                stride = 2 if channels == 3 else 1
                layers += [nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.body = nn.Sequential(*layers)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.dropout(self.body(images).amax((2, 3))))
        return logits
