"""Parses TensorFlow's GraphDef with the protobuf library, limited to the messages and fields that a frozen network needs.

Field numbers are TensorFlow's (tensorflow/core/framework: graph, node_def, attr_value, tensor, tensor_shape).
"""

from functools import cache
from typing import Any

from google.protobuf import json_format

from protectors.pretrained.protobuf_schema import Field, message_class

DATA_TYPES = {"DT_INVALID": 0, "DT_FLOAT": 1, "DT_DOUBLE": 2, "DT_INT32": 3, "DT_STRING": 7, "DT_INT64": 9, "DT_BOOL": 10}

MESSAGES: dict[str, tuple[Field, ...]] = {
    "Dim": (("size", 1, "int64", False),),
    "Shape": (("dim", 2, "Dim", True),),
    "Tensor": (
        ("dtype", 1, "DataType", False),
        ("tensor_shape", 2, "Shape", False),
        ("tensor_content", 4, "bytes", False),
        ("float_val", 5, "float", True),
        ("double_val", 6, "double", True),
        ("int_val", 7, "int32", True),
        ("int64_val", 10, "int64", True),
        ("bool_val", 11, "bool", True),
    ),
    "Values": (("s", 2, "bytes", True), ("i", 3, "int64", True), ("f", 4, "float", True), ("b", 5, "bool", True)),
    "Attribute": (
        ("list", 1, "Values", False),
        ("s", 2, "bytes", False),
        ("i", 3, "int64", False),
        ("f", 4, "float", False),
        ("b", 5, "bool", False),
        ("type", 6, "DataType", False),
        ("shape", 7, "Shape", False),
        ("tensor", 8, "Tensor", False),
    ),
    "Node": (("name", 1, "string", False), ("op", 2, "string", False), ("input", 3, "string", True)),
    "Graph": (("node", 1, "Node", True),),
}


@cache
def _graph_class() -> Any:
    maps = {"Node": ("attr", 5, "Attribute")}
    return message_class("cloakroom.tensorflow", "Graph", MESSAGES, {"DataType": DATA_TYPES}, maps)


def parse_binary(data: bytes) -> Any:
    """Parse the GraphDef message of a ``.pb`` file."""
    return _graph_class().FromString(data)


def parse_json(topology: dict[str, Any]) -> Any:
    """Parse the GraphDef message of a TensorFlow.js model's ``modelTopology``."""
    return json_format.ParseDict(topology, _graph_class()(), ignore_unknown_fields=True)
