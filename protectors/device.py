"""The device that torch computes on."""

import torch


def pick_device(device: str) -> torch.device:
    """Return the device of a name; ``auto`` is the GPU where there is one."""
    if device != "auto":
        return torch.device(device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
