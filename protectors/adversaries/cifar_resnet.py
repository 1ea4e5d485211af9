"""The residual networks by He et al. for CIFAR-10: three stages of basic blocks, with 16, 32 and 64 channels.

Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (2016), section 4.2, with shortcuts of option A: if
a stage halves the resolution, the shortcut takes every second pixel and fills the missing channels with zeros. Parameters are
named as in the published PyTorch checkpoints (``conv1.weight``, ``layer1.0.bn1.weight``, ``linear.bias``).
"""

from torch import Tensor, nn
from torch.nn import functional

from protectors.adversaries.batch_norms import fold_pair

CHANNELS = (16, 32, 64)
"""Channels of the three stages."""


class CifarResNet(nn.Module):
    """A residual network from normalised images [B, 3, 32, 32] to [B, outputs]. ``depth`` is 6n + 2: the paper has 20, 32, 44,
    56 and 110.

    Raises:
        ValueError: no network has that depth.
    """

    def __init__(self, depth: int, outputs: int) -> None:
        super().__init__()
        blocks, rest = divmod(depth - 2, 6)
        if rest or blocks < 1:
            raise ValueError(f"no residual network for CIFAR-10 has {depth} layers: it has 6n + 2 of them")
        first, second, third = CHANNELS
        self.conv1 = nn.Conv2d(3, first, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.layer1 = stage(first, first, blocks, 1)
        self.layer2 = stage(first, second, blocks, 2)
        self.layer3 = stage(second, third, blocks, 2)
        self.linear = nn.Linear(third, outputs)

    def forward(self, images: Tensor) -> Tensor:
        features = functional.relu(self.bn1(self.conv1(images)))
        features = self.layer3(self.layer2(self.layer1(features)))
        outputs: Tensor = self.linear(features.mean((2, 3)))
        return outputs

    def fold(self) -> None:
        """Fold each batch normalisation into the convolution before it, once training is over.

        The outputs stay the same. Parameters no longer have the checkpoints' names.
        """
        self.eval()
        fold_pair(self, "conv1", "bn1")
        for module in self.modules():
            if isinstance(module, BasicBlock):
                fold_pair(module, "conv1", "bn1")
                fold_pair(module, "conv2", "bn2")


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut, from [B, in, H, W] to [B, out, H / stride, W / stride]."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.stride = stride
        self.missing = channels_out - channels_in

    def forward(self, features: Tensor) -> Tensor:
        made = functional.relu(self.bn1(self.conv1(features)))
        return functional.relu(self.bn2(self.conv2(made)) + self.shortcut(features))

    def shortcut(self, features: Tensor) -> Tensor:
        """Take every ``stride``-th pixel, and add channels of zeros before and after the existing ones."""
        if not self.missing:
            return features
        before = self.missing // 2
        return functional.pad(features[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.missing - before))


def stage(channels_in: int, channels_out: int, blocks: int, stride: int) -> nn.Sequential:
    """Return a sequence of blocks, of which the first changes the resolution and the number of channels."""
    first = BasicBlock(channels_in, channels_out, stride)
    return nn.Sequential(first, *(BasicBlock(channels_out, channels_out, 1) for _ in range(blocks - 1)))
