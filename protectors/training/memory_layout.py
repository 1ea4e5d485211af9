"""The memory layout of tensors in training."""

import torch


def training_layout(device: torch.device) -> torch.memory_format:
    """Return channels last for a GPU, where it is quicker, and contiguous for a CPU.

    On CPUs without AVX-512, oneDNN (torch 2.14.1) writes past the end of its scratch memory, which sooner or later kills the
    process, when it computes the gradient with respect to the *weights* of a strided 1x1 convolution with three to seven input
    channels and channels last (``jit_1x1:avx2``, ``backward_weights``). Contiguous convolutions are not affected, and neither
    are gradients with respect to *images*, the only ones that a cloak takes:
    ``tests/protectors/training/test_memory_layout.py``.
    """
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format
