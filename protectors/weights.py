"""Writes weights in half precision for shipping, and reads them back in single precision."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor


def save_half(state: Mapping[str, Tensor], path: Path) -> None:
    """Write weights as float16, which is exact enough for normalisation statistics of these magnitudes."""
    halved = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    save_file({name: value.detach().cpu().contiguous() for name, value in halved.items()}, path)


def read_float(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file as float32."""
    return {name: value.float() if value.is_floating_point() else value for name, value in load_file(path).items()}
