"""In which order a convolution's numbers lie in memory while it is trained."""

import torch


def training_layout(device: torch.device) -> torch.memory_format:
    """Colours last on a graphics card, where it is quicker; contiguous on a processor.

    On processors without AVX-512, oneDNN (torch 2.14.1) writes past the end of its scratch memory, and the process dies sooner
    or later, when it takes the gradient with respect to the *weights* of a strided 1x1 convolution with three to seven input
    channels and colours last (``jit_1x1:avx2``, ``backward_weights``). No contiguous convolution is affected, nor is the
    gradient with respect to the *images*, the only one that a cloak takes: ``tests/protectors/test_memory_layout.py``.
    """
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format
