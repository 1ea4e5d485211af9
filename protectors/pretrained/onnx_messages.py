"""Parses ONNX models with the protobuf library, limited to the messages and fields that a frozen network needs.

Field numbers are ONNX's (onnx/onnx.proto: ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto).
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protectors.pretrained.graph import GraphError
from protectors.pretrained.protobuf_schema import Field, message_class

MESSAGES: dict[str, tuple[Field, ...]] = {
    "Tensor": (
        ("dims", 1, "int64", True),
        ("data_type", 2, "int32", False),
        ("float_data", 4, "float", True),
        ("int64_data", 7, "int64", True),
        ("name", 8, "string", False),
        ("raw_data", 9, "bytes", False),
    ),
    "Attribute": (
        ("name", 1, "string", False),
        ("f", 2, "float", False),
        ("i", 3, "int64", False),
        ("s", 4, "bytes", False),
        ("t", 5, "Tensor", False),
        ("floats", 7, "float", True),
        ("ints", 8, "int64", True),
        ("type", 20, "int32", False),
    ),
    "Node": (
        ("input", 1, "string", True),
        ("output", 2, "string", True),
        ("op_type", 4, "string", False),
        ("attribute", 5, "Attribute", True),
    ),
    "Graph": (("node", 1, "Node", True), ("initializer", 5, "Tensor", True)),
    "Model": (("graph", 7, "Graph", False),),
}

NUMPY_TYPES: Mapping[int, tuple[Any, str]] = {1: (np.dtype("<f4"), "float_data"), 7: (np.dtype("<i8"), "int64_data")}
"""NumPy's types by ONNX's numbers of data types, and the field that holds values which are not raw."""

ATTRIBUTE_FIELDS: Mapping[int, str] = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints"}
"""The field that holds an attribute's value, by ONNX's numbers of attribute types."""


@cache
def _model_class() -> Any:
    return message_class("cloakroom.onnx", "Model", MESSAGES)


def parse(data: bytes) -> Any:
    """Parse the graph of an ``.onnx`` file."""
    return _model_class().FromString(data).graph


def values_of(tensor: Any) -> NDArray[Any]:
    """Return the values of a stored tensor. GraphError: they are of a kind that no network here needs."""
    if tensor.data_type not in NUMPY_TYPES:
        raise GraphError(f"{tensor.name}: values of kind {tensor.data_type} are not known")
    kind, field = NUMPY_TYPES[tensor.data_type]
    values = np.frombuffer(tensor.raw_data, kind) if tensor.raw_data else np.asarray(list(getattr(tensor, field)), kind)
    return values.reshape(list(tensor.dims))


READ_AS: Mapping[str, Callable[[Any], Any]] = {"t": values_of, "floats": list, "ints": list}
"""The functions that turn values of fields into arrays and lists."""


def settings_of(node: Any) -> dict[str, Any]:
    """Return a node's attributes by name; tensors are returned as arrays."""
    settings = {}
    for attribute in node.attribute:
        field = ATTRIBUTE_FIELDS.get(attribute.type)
        if field is None:
            raise GraphError(f"{node.output[0]}: an attribute of kind {attribute.type} is not known")
        value = getattr(attribute, field)
        settings[attribute.name] = READ_AS[field](value) if field in READ_AS else value
    return settings
