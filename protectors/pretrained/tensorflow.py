"""Reads frozen TensorFlow networks: ``.pb`` files (GraphDef) and TensorFlow.js models (the same graph as JSON, with separate
files of weights).

Only the part between the image and the named outputs is read. The parts before (decoding, resizing) and after (decoding of
boxes) are rewritten where the network is used.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from protectors.pretrained import tensorflow_messages
from protectors.pretrained.graph import Graph, GraphError
from protectors.pretrained.tensorflow_translation import NHWC, Array, Translation

NUMPY_TYPES: dict[int, Any] = {1: np.float32, 2: np.float64, 3: np.int32, 9: np.int64, 10: np.bool_}
"""NumPy's types by the numbers of TensorFlow's data types."""


def read_frozen(path: Path, image: str, outputs: Sequence[str]) -> Graph:
    """Read the part of a ``.pb`` file's network between the image and the outputs.

    Args:
        path: the file, whose hash was checked.
        image: the name of the node that is read as the image, [B, H, W, 3] in the file.
        outputs: the names of the nodes to compute.

    Raises:
        GraphError: a node is of an unknown kind.
    """
    message = tensorflow_messages.parse_binary(path.read_bytes())
    constants = {node.name: _constant(node.attr["value"].tensor) for node in message.node if node.op == "Const"}
    return Translation(message, constants, image, NHWC).graph(outputs)


def read_javascript(model: Path, binary: Path, image: str, outputs: Sequence[str], axes: Sequence[int] = NHWC) -> Graph:
    """Read a TensorFlow.js graph model. ``axes`` is the order of the image's axes in the file.

    Raises:
        GraphError: a node is of an unknown kind, or the weights do not match their list.
    """
    content = json.loads(model.read_text(encoding="utf-8"))
    message = tensorflow_messages.parse_json(content["modelTopology"])
    return Translation(message, _javascript_weights(content["weightsManifest"], binary), image, tuple(axes)).graph(outputs)


def _constant(tensor: Any) -> Array:
    kind = NUMPY_TYPES.get(tensor.dtype)
    if kind is None:
        # These are texts, which no network computes with.
        return np.zeros(0, np.float32)
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, kind).reshape(shape)
    fields = {1: "float_val", 2: "double_val", 3: "int_val", 9: "int64_val", 10: "bool_val"}
    values = np.asarray(list(getattr(tensor, fields[tensor.dtype])), kind)
    # A single stored value fills the whole tensor.
    return np.broadcast_to(values[0], shape) if values.size == 1 else values.reshape(shape)


def _javascript_weights(manifest: list[dict[str, Any]], binary: Path) -> dict[str, Array]:
    data, place, found = binary.read_bytes(), 0, {}
    for entry in (weight for group in manifest for weight in group["weights"]):
        stored = np.dtype(entry.get("quantization", entry)["dtype"]).newbyteorder("<")
        count = int(np.prod(entry["shape"], dtype=np.int64))
        values: Array = np.frombuffer(data, stored, count, place)
        place += count * stored.itemsize
        if quantised := entry.get("quantization"):
            values = values.astype(np.float32)
            if "scale" in quantised:
                values = values * quantised["scale"] + quantised["min"]
        found[entry["name"]] = values.reshape(entry["shape"])
    if place != len(data):
        raise GraphError(f"{binary.name} holds {len(data)} bytes, its list {place}")
    return found
