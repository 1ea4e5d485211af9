"""Well-known classifiers adapted to 32x32 images: the first layers keep the resolution.

Each is torchvision's, or built from its blocks, with the usual stem of PyTorch models for CIFAR-10 (a 3x3 convolution of stride
one, no early pooling) and one linear layer at the end. ``width`` scales the channels if the architecture allows it, so that a
CPU can train it too.
"""

from collections.abc import Callable

from torch import Tensor, nn
from torchvision.models.densenet import DenseNet
from torchvision.models.googlenet import BasicConv2d as GoogLeNetConvolution
from torchvision.models.googlenet import GoogLeNet
from torchvision.models.inception import BasicConv2d as InceptionConvolution
from torchvision.models.inception import Inception3
from torchvision.models.mobilenetv2 import MobileNetV2
from torchvision.models.resnet import BasicBlock
from torchvision.models.vgg import cfgs, make_layers

SIDE = 32
"""Input size in pixels."""


class Pooled(nn.Module):
    """Features, global average pooling and a linear layer. Input [B, 3, 32, 32] normalised, output [B, outputs]."""

    def __init__(self, features: nn.Module, channels: int, outputs: int) -> None:
        super().__init__()
        self.features = features
        self.head = nn.Linear(channels, outputs)

    def forward(self, images: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.features(images).mean((2, 3)))
        return outputs


def vgg(configuration: str, outputs: int, width: float) -> nn.Module:
    """Return VGG (Simonyan and Zisserman, 2015) with batch normalisation, from torchvision's layers."""
    scaled = [layer if isinstance(layer, str) else int(layer * width) for layer in cfgs[configuration]]
    return Pooled(make_layers(scaled, batch_norm=True), int(512 * width), outputs)


def resnet(blocks: tuple[int, ...], outputs: int, width: float) -> nn.Module:
    """Return ResNet (He et al., 2016), from torchvision's basic blocks."""
    channels = int(64 * width)
    layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
    for stage, count in enumerate(blocks):
        wider = int(64 * width) * 2**stage
        for block in range(count):
            stride = 2 if stage and not block else 1
            shortcut = None
            if wider != channels:
                shortcut = nn.Sequential(nn.Conv2d(channels, wider, 1, stride, bias=False), nn.BatchNorm2d(wider))
            layers.append(BasicBlock(channels, wider, stride, shortcut))
            channels = wider
    return Pooled(nn.Sequential(*layers), channels, outputs)


def densenet121(outputs: int, width: float) -> nn.Module:
    """Return DenseNet-121 (Huang et al., 2017)."""
    first = int(64 * width)
    network: nn.Module = DenseNet(int(32 * width), (6, 12, 24, 16), first, num_classes=outputs)
    network.set_submodule("features.conv0", nn.Conv2d(3, first, 3, 1, 1, bias=False))
    network.set_submodule("features.pool0", nn.Identity())
    return network


def mobilenet_v2(outputs: int, width: float) -> nn.Module:
    """Return MobileNetV2 (Sandler et al., 2018) without the first two halvings of the resolution."""
    # Each row: expansion, channels, repeats, stride of the first (table 2 of the paper; strides 1 in the second row).
    rows = [[1, 16, 1, 1], [6, 24, 2, 1], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]]
    network: nn.Module = MobileNetV2(outputs, width, rows)
    setattr(network.get_submodule("features.0.0"), "stride", (1, 1))  # noqa: B010
    return network


def googlenet(outputs: int, width: float) -> nn.Module:
    """Return GoogLeNet (Szegedy et al., 2015) with batch normalisation."""
    whole_only(width)
    network: nn.Module = GoogLeNet(outputs, aux_logits=False, init_weights=False)
    network.conv1 = GoogLeNetConvolution(3, 64, kernel_size=3, padding=1)
    network.maxpool1 = nn.Identity()
    return network


def inception_v3(outputs: int, width: float) -> nn.Module:
    """Return Inception v3 (Szegedy et al., 2016) with one convolution in place of the stem from 299 to 35 pixels."""
    whole_only(width)
    network: nn.Module = Inception3(outputs, aux_logits=False, init_weights=False)
    network.Conv2d_1a_3x3 = InceptionConvolution(3, 192, kernel_size=3, padding=1)
    for name in ("Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "maxpool2"):
        setattr(network, name, nn.Identity())
    return network


def whole_only(width: float) -> None:
    if width != 1:
        raise ValueError("this architecture comes in its own width only: leave --width at 1")


NETWORKS: dict[str, Callable[[int, float], nn.Module]] = {
    "vgg13_bn": lambda outputs, width: vgg("B", outputs, width),
    "vgg16_bn": lambda outputs, width: vgg("D", outputs, width),
    "resnet18": lambda outputs, width: resnet((2, 2, 2, 2), outputs, width),
    "resnet34": lambda outputs, width: resnet((3, 4, 6, 3), outputs, width),
    "densenet121": densenet121,
    "mobilenet_v2": mobilenet_v2,
    "googlenet": googlenet,
    "inception_v3": inception_v3,
}
"""Constructors by name, from the number of outputs and the width (1: the published one) to the network."""
