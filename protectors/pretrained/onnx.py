"""Reads ONNX networks: the part between the image and the named outputs, as exported from PyTorch with maps [B, C, H, W]."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from torch import Tensor

from protectors.pretrained import onnx_messages
from protectors.pretrained.graph import Graph, GraphError, Step, in_order, simplified

SAME_KIND = {"Relu": "relu", "Sigmoid": "sigmoid", "Add": "add"}
"""Operations without settings, and the kinds of steps that they become."""

SAME_NEAREST = {
    (b"asymmetric", b"floor"),
    (b"half_pixel", b"round_prefer_floor"),
    (b"half_pixel", b"round_prefer_ceil"),
    (b"half_pixel_symmetric", b"round_prefer_floor"),
}
"""Ways to place cells and to round, of which all find the same nearest cell for whole factors: that of PyTorch."""


def read_onnx(path: Path, image: str, outputs: Sequence[str]) -> Graph:
    """Read the part of a network between the image [B, 3, H, W] and the outputs, by the names of their tensors.

    Raises:
        GraphError: an operation, or a setting of one, is not known, or the file is damaged.
    """
    try:
        return _Translation(onnx_messages.parse(path.read_bytes()), image).graph(outputs)
    except (DecodeError, LookupError, TypeError, ValueError) as problem:
        # Every input, setting and size that an operation asks for may be missing or odd.
        raise GraphError(f"{path.name} is damaged: {type(problem).__name__}") from problem


class _Translation:
    """Translates one network from ONNX's nodes to steps. Maps have the names of their tensors."""

    def __init__(self, message: Any, image: str) -> None:
        self._image = image
        self._makers = {output: node for node in message.node for output in node.output}
        self._stored = {tensor.name: tensor for tensor in message.initializer}
        self._steps: list[Step] = []
        self._weights: dict[str, Tensor] = {}
        self._handlers: dict[str, Callable[[Any, dict[str, Any]], None]] = {
            "Conv": self._convolve,
            "ConvTranspose": self._convolve_transposed,
            "BatchNormalization": self._normalise,
            "Mul": self._multiply,
            "Concat": self._join,
            "Split": self._split,
            "MaxPool": self._pool,
            "Resize": self._resize,
        }

    def graph(self, outputs: Sequence[str]) -> Graph:
        done: set[int] = set()
        # The format names what is left out of a list of inputs with an empty text.
        for name in in_order(outputs, {self._image, "", *self._stored}, self._reads):
            node = self._makers[name]
            # A split makes several tensors, but is translated once.
            if id(node) not in done:
                done.add(id(node))
                self._translate(node)
        return simplified(Graph(self._image, tuple(self._steps), tuple(outputs), self._weights))

    def _reads(self, name: str) -> list[str]:
        if name not in self._makers:
            raise GraphError(f"nothing makes {name}")
        return list(self._makers[name].input)

    def _settings(self, node: Any) -> dict[str, Any]:
        """Return a node's settings. GraphError: one of them changes what is computed, and is not known."""
        told = onnx_messages.settings_of(node)
        if told.pop("auto_pad", b"NOTSET") != b"NOTSET":
            raise GraphError(f"{node.output[0]}: automatic padding is not known")
        return told

    def _translate(self, node: Any) -> None:
        if node.op_type in SAME_KIND:
            self._add(node, SAME_KIND[node.op_type], node.input)
        elif handler := self._handlers.get(node.op_type):
            handler(node, self._settings(node))
        else:
            raise GraphError(f"{node.output[0]}: the operation {node.op_type} is not known")

    def _values(self, name: str) -> NDArray[Any]:
        return onnx_messages.values_of(self._stored[name])

    def _weight(self, name: str) -> Tensor:
        values = self._values(name)
        if not values.size:
            # Sizes beside a zero can be of any length.
            raise GraphError(f"{name} holds no values")
        return torch.from_numpy(np.array(values, np.float32))

    def _add(self, node: Any, kind: str, reads: Sequence[str], **settings: Any) -> None:
        stored = [name for name in reads if name in self._stored]
        if stored:
            raise GraphError(f"{node.output[0]}: {kind} with the constant {stored[0]} is not known")
        self._steps.append(Step(kind, tuple(reads), node.output[0], settings))

    def _filters(self, node: Any, channels_axis: int) -> None:
        """Store a convolution's weight and bias, which is 0 if the file has none."""
        output = node.output[0]
        weight = self._weight(node.input[1])
        self._weights[f"{output}.weight"] = weight
        has_bias = len(node.input) > 2
        self._weights[f"{output}.bias"] = self._weight(node.input[2]) if has_bias else torch.zeros(weight.shape[channels_axis])

    def _convolve(self, node: Any, told: dict[str, Any]) -> None:
        self._filters(node, 0)
        self._add(node, "conv", node.input[:1], **_window(told), dilation=told.get("dilations", [1, 1]))

    def _convolve_transposed(self, node: Any, told: dict[str, Any]) -> None:
        settings = _window(told)
        is_odd = any(settings["padding"]) or any(told.get("output_padding", ()))
        if is_odd or told.get("group", 1) != 1 or told.get("dilations", [1, 1]) != [1, 1]:
            raise GraphError(f"{node.output[0]}: only a plain transposed convolution is known")
        self._filters(node, 1)
        self._add(node, "conv_transposed", node.input[:1], stride=settings["stride"])

    def _normalise(self, node: Any, told: dict[str, Any]) -> None:
        scale, shift, mean, variance = (self._weight(name).double() for name in node.input[1:5])
        scale = scale / (variance + told.get("epsilon", 1e-5)).sqrt()
        self._weights[f"{node.output[0]}.scale"] = scale.float()
        self._weights[f"{node.output[0]}.shift"] = (shift - mean * scale).float()
        self._add(node, "affine", node.input[:1])

    def _multiply(self, node: Any, _: dict[str, Any]) -> None:
        first, second = node.input
        made_by = self._makers.get(second)
        if made_by is not None and made_by.op_type == "Sigmoid" and list(made_by.input) == [first]:
            # The exporter writes SiLU as x * sigmoid(x).
            self._add(node, "silu", [first])
        else:
            self._add(node, "multiply", node.input)

    def _join(self, node: Any, told: dict[str, Any]) -> None:
        if told["axis"] != 1:
            raise GraphError(f"{node.output[0]}: only channels are put side by side")
        self._add(node, "concat", node.input)

    def _split(self, node: Any, told: dict[str, Any]) -> None:
        if told.get("axis", 0) != 1 or ("split" not in told and len(node.input) < 2):
            raise GraphError(f"{node.output[0]}: only channels are split, into parts whose sizes are told")
        sizes = told["split"] if "split" in told else self._values(node.input[1]).tolist()
        start = 0
        for output, size in zip(node.output, sizes, strict=True):
            self._steps.append(Step("slice", (node.input[0],), output, {"start": start, "end": start + size}))
            start += size

    def _pool(self, node: Any, told: dict[str, Any]) -> None:
        if told.get("ceil_mode", 0) or told.get("dilations", [1, 1]) != [1, 1]:
            raise GraphError(f"{node.output[0]}: pooling that rounds sizes up, or that leaves out cells, is not known")
        self._add(node, "max_pool", node.input, kernel=told["kernel_shape"], **_window(told))

    def _resize(self, node: Any, told: dict[str, Any]) -> None:
        # Sizes take the place of scales if the fourth input is there.
        scales = self._values(node.input[2]).tolist() if len(node.input) == 3 else []
        is_whole = len(scales) == 4 and scales[:2] == [1, 1] and all(scale >= 1 and scale.is_integer() for scale in scales)
        ways = (told.get("coordinate_transformation_mode", b"half_pixel"), told.get("nearest_mode", b"round_prefer_floor"))
        if told.get("mode") != b"nearest" or ways not in SAME_NEAREST or not is_whole:
            raise GraphError(f"{node.output[0]}: only enlarging by the nearest cell is known")
        self._add(node, "resize", node.input[:1], mode="nearest", scale=scales[2:])


def _window(told: dict[str, Any]) -> dict[str, Any]:
    """Return the stride and the padding (left, right, top, bottom) of a convolution or a pooling."""
    top, left, bottom, right = told.get("pads", [0, 0, 0, 0])
    return {"stride": told.get("strides", [1, 1]), "padding": [left, right, top, bottom]}
