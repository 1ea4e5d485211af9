"""Tests the reading of small ONNX networks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from protectors.pretrained.graph import GraphError, load
from protectors.pretrained.network import GraphNetwork
from protectors.pretrained.onnx import read_onnx
from protectors.pretrained.onnx_messages import _model_class

FLOAT, INT, TEXT, INTS = 1, 2, 3, 7
"""ONNX's numbers of attribute types."""


def random(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


FIRST, BIAS, UP = random(8, 3, 3, 3), random(8), random(4, 4, 2, 2)
NORM = {name: abs(random(4 + number))[:4] for number, name in enumerate(("scale", "shift", "mean", "variance"))}


class Model:
    """A model in the making."""

    def __init__(self) -> None:
        self.message = _model_class()()

    def store(self, name: str, values: Any, *, raw: bool = True) -> None:
        tensor = self.message.graph.initializer.add(name=name, dims=values.shape, data_type=1)
        if raw:
            tensor.raw_data = values.astype("<f4").tobytes()
        else:
            tensor.float_data.extend(values.reshape(-1).tolist())

    def add(self, operation: str, reads: tuple[str, ...], made: tuple[str, ...], **settings: Any) -> None:
        node = self.message.graph.node.add(op_type=operation, input=reads, output=made)
        for name, value in settings.items():
            attribute = node.attribute.add(name=name)
            if isinstance(value, list):
                attribute.type = INTS
                attribute.ints.extend(value)
            elif isinstance(value, bytes):
                attribute.type, attribute.s = TEXT, value
            elif isinstance(value, float):
                attribute.type, attribute.f = FLOAT, value
            else:
                attribute.type, attribute.i = INT, value

    def written(self, folder: Path) -> Path:
        path = folder / "network.onnx"
        path.write_bytes(self.message.SerializeToString())
        return path


def model() -> Model:
    """Return a network with everything that detectors exported from PyTorch have."""
    made = Model()
    made.store("first", FIRST)
    made.store("bias", BIAS, raw=False)
    made.store("up", UP)
    for name, values in NORM.items():
        made.store(name, values)
    made.store("sizes", np.array([1, 1, 2, 2], np.float32))
    made.add("Conv", ("image", "first", "bias"), ("conv",), strides=[2, 2], pads=[1, 0, 0, 1], dilations=[1, 1], group=1)
    made.add("Sigmoid", ("conv",), ("share",))
    made.add("Mul", ("conv", "share"), ("active",))
    made.add("Split", ("active",), ("left", "right"), axis=1, split=[4, 4])
    made.add("ConvTranspose", ("left", "up"), ("large",), strides=[2, 2], pads=[0, 0, 0, 0], dilations=[1, 1], group=1)
    made.add("BatchNormalization", ("large", *NORM), ("normal",), epsilon=1e-3)
    made.add(
        "Resize", ("right", "", "sizes"), ("wide",),
        mode=b"nearest", coordinate_transformation_mode=b"asymmetric", nearest_mode=b"floor",
    )  # fmt: skip
    made.add("MaxPool", ("wide",), ("pooled",), kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])
    made.add("Add", ("normal", "pooled"), ("total",))
    made.add("Mul", ("total", "wide"), ("product",))
    made.add("Concat", ("product", "normal"), ("both",), axis=1)
    made.add("Relu", ("both",), ("out",))
    made.add("Magic", ("out",), ("after",))
    return made


def expected(image: torch.Tensor) -> torch.Tensor:
    conv = functional.conv2d(functional.pad(image, (0, 1, 1, 0)), torch.from_numpy(FIRST), torch.from_numpy(BIAS), 2)
    left, right = functional.silu(conv).split(4, 1)
    large = functional.conv_transpose2d(left, torch.from_numpy(UP), stride=2)
    scale, shift, mean, variance = (torch.from_numpy(values) for values in NORM.values())
    normal = functional.batch_norm(large, mean, variance, scale, shift, eps=1e-3)
    wide = functional.interpolate(right, scale_factor=2, mode="nearest")
    total = normal + functional.max_pool2d(wide, 3, 1, 1)
    return functional.relu(torch.cat([total * wide, normal], 1))


def test_a_network_computes_what_its_file_says(tmp_path: Path) -> None:
    graph = read_onnx(model().written(tmp_path), "image", ["out"])
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1), requires_grad=True)
    made = GraphNetwork(graph)(image)["out"]
    torch.testing.assert_close(made, expected(image), rtol=1e-4, atol=1e-4)
    (gradient,) = torch.autograd.grad(made.sum(), image)
    assert float(gradient.abs().max()) > 0
    # The activation is part of the convolution, and what nothing reads is left out.
    assert [step.kind for step in graph.steps][:2] == ["conv", "slice"]
    assert {step.kind for step in graph.steps} >= {"conv_transposed", "affine", "resize", "max_pool", "multiply", "concat"}


def test_a_network_is_kept_and_read_again(tmp_path: Path) -> None:
    graph = read_onnx(model().written(tmp_path), "image", ["out"])
    graph.save(tmp_path / "kept.safetensors")
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    kept = GraphNetwork(load(tmp_path / "kept.safetensors"))(image)["out"]
    torch.testing.assert_close(kept, expected(image), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("operation", "settings", "told"),
    [
        ("Magic", {}, "end: the operation Magic is not known"),
        ("Concat", {"axis": 2}, "end: only channels are put side by side"),
        ("Split", {"axis": 2, "split": [1]}, "end: only channels are split"),
        ("Split", {"axis": 1}, "end: only channels are split, into parts whose sizes are told"),
        ("MaxPool", {"kernel_shape": [2, 2], "ceil_mode": 1}, "end: pooling that rounds sizes up"),
        ("MaxPool", {"kernel_shape": [2, 2], "dilations": [2, 2]}, "end: pooling that rounds sizes up, or that leaves out"),
        ("MaxPool", {"kernel_shape": [2, 2], "auto_pad": b"SAME_UPPER"}, "end: automatic padding is not known"),
        ("ConvTranspose", {"pads": [1, 1, 1, 1]}, "end: only a plain transposed convolution is known"),
        ("ConvTranspose", {"group": 2}, "end: only a plain transposed convolution is known"),
        ("ConvTranspose", {"dilations": [2, 2]}, "end: only a plain transposed convolution is known"),
    ],
)
def test_what_is_not_known_is_named(operation: str, settings: dict[str, Any], told: str, tmp_path: Path) -> None:
    made = model()
    made.add(operation, ("out", "up") if operation == "ConvTranspose" else ("out",), ("end",), **settings)
    with pytest.raises(GraphError, match=told):
        read_onnx(made.written(tmp_path), "image", ["end"])


def test_an_output_that_nothing_makes_and_a_constant_in_a_sum_are_named(tmp_path: Path) -> None:
    made = model()
    made.add("Add", ("out", "bias"), ("end",))
    path = made.written(tmp_path)
    with pytest.raises(GraphError, match="nothing makes nowhere"):
        read_onnx(path, "image", ["nowhere"])
    with pytest.raises(GraphError, match="end: add with the constant bias is not known"):
        read_onnx(path, "image", ["end"])


@pytest.mark.parametrize(
    ("scales", "settings"),
    [
        ([1, 1, 2, 2], {"mode": b"cubic"}),
        ([1, 1, 2, 2], {"mode": b"nearest", "coordinate_transformation_mode": b"align_corners"}),
        ([1, 1, 2, 2], {"mode": b"nearest", "nearest_mode": b"floor"}),
        ([1, 1, 2, 2], {"mode": b"nearest", "coordinate_transformation_mode": b"asymmetric", "nearest_mode": b"ceil"}),
        ([1, 1, 1.5, 2], {"mode": b"nearest"}),
        ([1, 1, 0.0, 2], {"mode": b"nearest"}),
        ([1, 2, 2, 2], {"mode": b"nearest"}),
    ],
)
def test_only_ways_to_enlarge_that_find_the_same_cells_are_known(
    scales: list[float], settings: dict[str, Any], tmp_path: Path
) -> None:
    made = model()
    made.store("scales", np.array(scales, np.float32))
    made.add("Resize", ("out", "", "scales"), ("end",), **settings)
    with pytest.raises(GraphError, match="end: only enlarging by the nearest cell is known"):
        read_onnx(made.written(tmp_path), "image", ["end"])


@pytest.mark.parametrize(
    ("operation", "reads", "settings"),
    [
        ("Concat", ("out",), {}),
        ("Conv", ("out",), {}),
        ("Conv", ("out", "nowhere"), {}),
        ("Conv", ("out", "first"), {"pads": [1, 1]}),
        ("Conv", ("out", "empty"), {}),
        ("Mul", ("out",), {}),
        ("Split", ("out",), {"axis": 1, "split": [4, 4]}),
        ("BatchNormalization", ("out",), {}),
    ],
)
def test_damage_is_an_error_by_name(operation: str, reads: tuple[str, ...], settings: dict[str, Any], tmp_path: Path) -> None:
    made = model()
    made.message.graph.initializer.add(name="empty", dims=[10**12, 0], data_type=1)
    made.add(operation, reads, ("end",), **settings)
    with pytest.raises(GraphError):
        read_onnx(made.written(tmp_path), "image", ["end"])


def test_a_file_that_is_cut_off_is_an_error_by_name(tmp_path: Path) -> None:
    path = model().written(tmp_path)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(GraphError, match="damaged"):
        read_onnx(path, "image", ["out"])
