"""The device that torch computes on."""

import torch


def pick_device(device: str) -> torch.device:
    """Return the device of a name; ``auto`` means the GPU if there is one, else the CPU."""
    if device != "auto":
        return torch.device(device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
