"""Checks the header of an untrusted safetensors file before the library reads it.

The format: eight bytes with the header's length, the header as JSON (dtype, shape and place of each tensor), the tensors' bytes
(github.com/huggingface/safetensors, README, "Format"). A header may list millions of empty tensors in a file of a few
megabytes, which the library needs a minute and gigabytes to read. So only a header with exactly the expected tensors passes.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

LARGEST_HEADER: Final = 64 * 1024
"""Largest header in bytes; that of a generator's network has 12,000."""

SIZES: Final = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8}
"""Bytes of a number, by accepted dtype."""


class UnexpectedTensorsError(Exception):
    """A file does not hold exactly the expected tensors."""


def check_header(path: Path, shapes: Mapping[str, Sequence[int]]) -> None:
    """Check that a file holds exactly the tensors of these names and shapes, without gaps, up to its end.

    Raises:
        UnexpectedTensorsError: it holds others, or is no safetensors file.
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
    """Return the offsets at which a tensor begins and ends, after checking its description."""
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
