"""Tests the reading of small TensorFlow graphs, binary and in TensorFlow.js's format."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from protectors.pretrained.graph import GraphError
from protectors.pretrained.network import GraphNetwork
from protectors.pretrained.tensorflow import read_frozen, read_javascript
from protectors.pretrained.tensorflow_messages import _graph_class
from protectors.pretrained.tensorflow_translation import NCHW

FILTERS = np.random.default_rng(1).standard_normal((3, 3, 3, 4)).astype(np.float32)
SCALE = np.array([1.0, 2.0, 0.5, 1.5], np.float32)


def node(graph: Any, name: str, operation: str, reads: tuple[str, ...] = (), **attributes: Any) -> None:
    made = graph.node.add(name=name, op=operation, input=reads)
    for key, value in attributes.items():
        if isinstance(value, bytes):
            made.attr[key].s = value
        elif isinstance(value, list):
            made.attr[key].list.i.extend(value)
        elif isinstance(value, np.ndarray):
            tensor = made.attr[key].tensor
            tensor.dtype = {"float32": 1, "int32": 3}[value.dtype.name]
            for size in value.shape:
                tensor.tensor_shape.dim.add(size=size)
            tensor.tensor_content = value.tobytes()


def frozen(path: Path, last: str = "Relu6") -> Path:
    """Return a network of a convolution with a scale, with maps in NHWC."""
    graph = _graph_class()()
    node(graph, "image", "Placeholder")
    node(graph, "filters", "Const", value=FILTERS)
    node(graph, "scale", "Const", value=SCALE)
    node(graph, "conv", "Conv2D", ("image", "filters"), strides=[1, 2, 2, 1], padding=b"SAME", data_format=b"NHWC")
    node(graph, "scaled", "Mul", ("conv", "scale"))
    node(graph, "out", last, ("scaled",))
    path.write_bytes(graph.SerializeToString())
    return path


def expected(image: torch.Tensor) -> torch.Tensor:
    weight = torch.from_numpy(FILTERS.transpose(3, 2, 0, 1).copy())
    made = functional.conv2d(functional.pad(image, (0, 1, 0, 1)), weight, stride=2)
    return functional.relu6(made * torch.from_numpy(SCALE).view(1, -1, 1, 1))


def test_a_frozen_graph_computes_what_it_says(tmp_path: Path) -> None:
    graph = read_frozen(frozen(tmp_path / "graph.pb"), "image", ["out"])
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    assert [step.kind for step in graph.steps] == ["conv"]
    torch.testing.assert_close(GraphNetwork(graph)(image)["out"], expected(image), rtol=1e-5, atol=1e-5)


def test_an_unknown_operation_is_named(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="out: the operation Magic is not known"):
        read_frozen(frozen(tmp_path / "graph.pb", "Magic"), "image", ["out"])


def javascript(folder: Path) -> tuple[Path, Path]:
    """Return the same network for TensorFlow.js, with its image in NCHW and 16-bit weights."""
    nodes = [
        {"name": "image", "op": "Placeholder"},
        {"name": "filters", "op": "Const"},
        {"name": "scale", "op": "Const"},
        {"name": "order", "op": "Const"},
        {"name": "moved", "op": "Transpose", "input": ["image", "order"]},
        {
            "name": "conv",
            "op": "_FusedConv2D",
            "input": ["moved", "filters", "scale"],
            "attr": {
                "strides": {"list": {"i": ["1", "2", "2", "1"]}},
                "padding": {"s": "U0FNRQ=="},
                "fused_ops": {"list": {"s": ["Qmlhc0FkZA==", "UmVsdTY="]}},
            },
        },
    ]
    weights = [
        {"name": "filters", "shape": [3, 3, 3, 4], "dtype": "float32", "quantization": {"dtype": "float16"}},
        {"name": "scale", "shape": [4], "dtype": "float32"},
        {"name": "order", "shape": [4], "dtype": "int32"},
    ]
    content = {"modelTopology": {"node": nodes}, "weightsManifest": [{"paths": ["a.bin"], "weights": weights}]}
    model, binary = folder / "model.json", folder / "a.bin"
    model.write_text(json.dumps(content), encoding="utf-8")
    order = np.array([0, 2, 3, 1], np.int32)
    binary.write_bytes(FILTERS.astype(np.float16).tobytes() + SCALE.tobytes() + order.tobytes())
    return model, binary


def test_a_javascript_model_computes_the_same(tmp_path: Path) -> None:
    graph = read_javascript(*javascript(tmp_path), "image", ["conv"], NCHW)
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    weight = torch.from_numpy(FILTERS.transpose(3, 2, 0, 1).copy())
    made = functional.conv2d(functional.pad(image, (0, 1, 0, 1)), weight, torch.from_numpy(SCALE), stride=2)
    torch.testing.assert_close(GraphNetwork(graph)(image)["conv"], functional.relu6(made), rtol=2e-3, atol=2e-3)


def test_weights_that_are_cut_short_are_refused(tmp_path: Path) -> None:
    model, binary = javascript(tmp_path)
    binary.write_bytes(binary.read_bytes() + b"0000")
    with pytest.raises(GraphError, match="bytes"):
        read_javascript(model, binary, "image", ["conv"], NCHW)
