"""Weights on the disk: in half precision, which is how they are shipped, and in single precision where they are used."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor


def save_half(state: Mapping[str, Tensor], path: Path) -> None:
    """Write float16 weights; statistics of the normalisation stay exact enough in float16 at these magnitudes."""
    halved = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    save_file({name: value.detach().cpu().contiguous() for name, value in halved.items()}, path)


def read_float(path: Path) -> dict[str, Tensor]:
    """What a safetensors file holds, as float32."""
    return {name: value.float() if value.is_floating_point() else value for name, value in load_file(path).items()}
