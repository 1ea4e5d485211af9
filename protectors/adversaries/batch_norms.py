"""Folds batch normalisations of frozen networks into the convolutions before them: fewer passes, the same outputs."""

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_pair(module: nn.Module, convolution: str, normalisation: str) -> None:
    """Fold a batch normalisation of a module into a convolution, both given by their names."""
    before, after = getattr(module, convolution), getattr(module, normalisation)
    if isinstance(after, nn.BatchNorm2d):
        setattr(module, convolution, fuse_conv_bn_eval(before, after))
        setattr(module, normalisation, nn.Identity())


def fold_sequences(network: nn.Module) -> None:
    """Fold every batch normalisation that follows a convolution in a sequence, for a network in evaluation mode."""
    for sequence in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for before, after in pairwise(list(sequence._modules)):
            if isinstance(getattr(sequence, before), nn.Conv2d):
                fold_pair(sequence, before, after)
