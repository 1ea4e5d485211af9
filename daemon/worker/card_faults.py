"""Tells which errors mean that a graphics card is gone, or cannot be used."""

import torch

CARD_WORDS = ("CUDA", "CUBLAS", "CUDNN", "HIP ", "NVML", "out of memory")
"""Words in the errors of a card's libraries that have no type of their own."""


def is_device_lost(problem: Exception) -> bool:
    """Return whether a graphics card has failed, or was taken away; one that is merely full has not."""
    if isinstance(problem, torch.OutOfMemoryError):
        return False
    return isinstance(problem, torch.AcceleratorError)


def is_card_unusable(problem: Exception) -> bool:
    """Return whether a graphics card keeps the models from being loaded: it has failed, or its memory is full."""
    if isinstance(problem, torch.OutOfMemoryError | torch.AcceleratorError):
        return True
    return isinstance(problem, RuntimeError) and any(word in str(problem) for word in CARD_WORDS)
