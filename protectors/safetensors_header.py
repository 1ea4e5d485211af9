"""What a safetensors file from elsewhere holds, by its header alone: before a tensor is made, and before its reader is asked.

The format: eight bytes with the header's length, the header as JSON (dtype, shape and place of each tensor), the tensors' bytes
(github.com/huggingface/safetensors, README, "Format"). A header may list millions of empty tensors in a file of a few
megabytes, and reading them costs a minute and gigabytes. So a file is held against what it has to hold, and nothing else.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

LARGEST_HEADER: Final = 64 * 1024
"""Bytes; that of a generator's network has 12,000."""

SIZES: Final = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8}
"""Bytes of a number, of the kinds that are taken."""


class UnexpectedTensorsError(Exception):
    """The file does not hold what it should."""


def check_header(path: Path, shapes: Mapping[str, Sequence[int]]) -> None:
    """Hold a file's header against the tensors that it has to hold: these, of these shapes, side by side and to the end.

    Raises:
        UnexpectedTensorsError: it holds others, or is no such file.
        OSError: it cannot be read.
    """
    whole = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 0 < length <= min(LARGEST_HEADER, whole - 8):
            raise UnexpectedTensorsError
        text = stream.read(length)
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise UnexpectedTensorsError from None
    if not isinstance(header, dict):
        raise UnexpectedTensorsError
    header.pop("__metadata__", None)
    if header.keys() != shapes.keys():
        raise UnexpectedTensorsError
    places = sorted(_place(header[name], shapes[name]) for name in shapes)
    end = 0
    for begin, after in places:
        if begin != end:
            raise UnexpectedTensorsError
        end = after
    if end != whole - 8 - length:
        raise UnexpectedTensorsError


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    item = dict(pairs)
    if len(item) != len(pairs):
        raise UnexpectedTensorsError
    return item


def _place(told: Any, shape: Sequence[int]) -> tuple[int, int]:
    """Where a tensor begins and ends."""
    if not isinstance(told, dict) or told.keys() != {"dtype", "shape", "data_offsets"}:
        raise UnexpectedTensorsError
    kind, offsets = told["dtype"], told["data_offsets"]
    if not isinstance(kind, str) or kind not in SIZES or told["shape"] != list(shape) or not isinstance(offsets, list):
        raise UnexpectedTensorsError
    if len(offsets) != 2 or not all(type(offset) is int for offset in offsets):
        raise UnexpectedTensorsError
    begin, after = offsets
    if begin < 0 or after - begin != SIZES[kind] * math.prod(shape):
        raise UnexpectedTensorsError
    return begin, after
