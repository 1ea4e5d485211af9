"""Translates the nodes of a TensorFlow graph to steps, for any order of a map's axes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from protectors.pretrained.graph import Graph, GraphError, Step, in_order, simplified

Array = NDArray[Any]

NHWC = (0, 2, 3, 1)
NCHW = (0, 1, 2, 3)
"""Orders of a tensor's axes, as indices into [B, C, H, W], the order of every map here."""

ARITHMETIC: dict[str, Callable[..., Array]] = {
    "Add": np.add,
    "AddV2": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Rsqrt": lambda value: 1 / np.sqrt(value),
    "Identity": lambda value: value,
}
"""Operations on constants, which are computed once, during translation."""

ACTIVATIONS = {"Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid"}


class Translation:
    """Translates one network from TensorFlow's nodes to steps. Maps have the names of their nodes.

    Args:
        message: the GraphDef.
        constants: values of constants by name.
        image: the name of the node that is read as the image.
        axes: the order of the image's axes.
    """

    def __init__(self, message: Any, constants: Mapping[str, Array], image: str, axes: tuple[int, ...]) -> None:
        self._nodes = {node.name: node for node in message.node}
        self._constants = dict(constants)
        self._image = image
        self._axes: dict[str, tuple[int, ...]] = {image: axes}
        self._channels_of_split: dict[str, int] = {}
        self._steps: list[Step] = []
        self._weights: dict[str, Tensor] = {}
        self._same: dict[str, str] = {}

    def graph(self, outputs: Sequence[str]) -> Graph:
        """Return the network that computes the outputs. GraphError: it has a node of an unknown kind."""
        for name in in_order(outputs, {self._image, *self._constants}, self._reads):
            self._translate(self._nodes[name])
        made = tuple(self._map(name) for name in outputs)
        return simplified(Graph(self._image, tuple(self._steps), made, self._weights))

    def _reads(self, name: str) -> list[str]:
        return [_node_of(read) for read in self._nodes[name].input if not read.startswith("^")]

    def _map(self, name: str) -> str:
        """Return the name of a node's output tensor, which is another node's if the node only passes it on."""
        name = name.removesuffix(":0")
        while name in self._same:
            name = self._same[name]
        return name

    def _translate(self, node: Any) -> None:
        reads = [name.removesuffix(":0") for name in node.input if not name.startswith("^")]
        if all(name in self._constants for name in reads) and node.op in ARITHMETIC:
            self._constants[node.name] = ARITHMETIC[node.op](*(self._constants[name] for name in reads))
            return
        handler = getattr(self, f"_read_{node.op.lower()}", None)
        if handler is None:
            raise GraphError(f"{node.name}: the operation {node.op} is not known")
        handler(node, reads)

    def _add(self, node: Any, kind: str, maps: Sequence[str], axes: tuple[int, ...], **settings: Any) -> None:
        self._steps.append(Step(kind, tuple(self._map(name) for name in maps), node.name, settings))
        self._axes[node.name] = axes

    def _pass(self, node: Any, source: str, axes: tuple[int, ...]) -> None:
        self._same[node.name] = self._map(source)
        self._axes[node.name] = axes

    def _spatial(self, values: Any) -> list[int]:
        """Return the values for height and width out of four for [B, H, W, C]."""
        return [int(values[1]), int(values[2])]

    def _convolve(self, node: Any, reads: Sequence[str], *, is_depthwise: bool) -> None:
        if node.attr["data_format"].s not in (b"", b"NHWC"):
            raise GraphError(f"{node.name}: only the order NHWC is known")
        filters = np.asarray(self._constants[reads[1]], np.float32)
        height, width, channels, count = filters.shape
        if is_depthwise:
            moved = filters.transpose(2, 3, 0, 1).reshape(channels * count, 1, height, width)
        else:
            moved = filters.transpose(3, 2, 0, 1)
        self._weights[f"{node.name}.weight"] = torch.from_numpy(np.ascontiguousarray(moved))
        self._weights[f"{node.name}.bias"] = torch.zeros(len(moved))
        settings: dict[str, Any] = {
            "stride": self._spatial(node.attr["strides"].list.i),
            "dilation": self._spatial(node.attr["dilations"].list.i or (1, 1, 1, 1)),
            "padding": "same" if node.attr["padding"].s == b"SAME" else [0, 0, 0, 0],
        }
        if not node.attr["fused_ops"].list.s:
            self._add(node, "conv", reads[:1], NHWC, **settings)
            return
        self._weights[f"{node.name}.bias"] = torch.from_numpy(np.array(self._constants[reads[2]], np.float32))
        activations = [name.decode() for name in node.attr["fused_ops"].list.s if name != b"BiasAdd"]
        unknown = [name for name in activations if name not in ACTIVATIONS]
        if unknown:
            raise GraphError(f"{node.name}: the activation {unknown[0]} is not known")
        if activations:
            settings["activation"] = [ACTIVATIONS[activations[0]], {}]
        self._add(node, "conv", reads[:1], NHWC, **settings)

    def _read_conv2d(self, node: Any, reads: Sequence[str]) -> None:
        self._convolve(node, reads, is_depthwise=False)

    _read__fusedconv2d = _read_conv2d

    def _read_depthwiseconv2dnative(self, node: Any, reads: Sequence[str]) -> None:
        self._convolve(node, reads, is_depthwise=True)

    _read_fuseddepthwiseconv2dnative = _read_depthwiseconv2dnative

    def _affine(self, node: Any, source: str, scale: Array, shift: Array) -> None:
        axes = self._axes[source]
        self._weights[f"{node.name}.scale"] = self._by_channel(node, scale, axes)
        self._weights[f"{node.name}.shift"] = self._by_channel(node, shift, axes)
        self._add(node, "affine", [source], axes)

    def _by_channel(self, node: Any, value: Array, axes: tuple[int, ...]) -> Tensor:
        """Reduce a constant that is broadcast against a map of these axes to one number, or one for each channel."""
        if value.size == 1:
            return torch.from_numpy(np.array(value, np.float32).reshape(1))
        whole = np.asarray(value).reshape((1,) * (4 - np.ndim(value)) + np.shape(value))
        channel = axes.index(1)
        if whole.size != whole.shape[channel]:
            raise GraphError(f"{node.name}: a constant differs from place to place")
        return torch.from_numpy(np.array(whole, np.float32).reshape(-1))

    def _read_add(self, node: Any, reads: Sequence[str]) -> None:
        first, second = reads
        if first in self._constants:
            first, second = second, first
        if second in self._constants:
            self._affine(node, first, np.ones(1), self._constants[second])
        else:
            self._join(node, "add", (first, second))

    _read_addv2 = _read_biasadd = _read_add

    def _read_mul(self, node: Any, reads: Sequence[str]) -> None:
        first, second = reads
        if first in self._constants:
            first, second = second, first
        if second in self._constants:
            self._affine(node, first, self._constants[second], np.zeros(1))
        else:
            self._join(node, "multiply", (first, second))

    def _join(self, node: Any, kind: str, reads: Sequence[str]) -> None:
        axes = {self._axes[name] for name in reads}
        if len(axes) > 1:
            raise GraphError(f"{node.name}: maps of different orders of axes are joined")
        self._add(node, kind, reads, axes.pop())

    def _read_concatv2(self, node: Any, reads: Sequence[str]) -> None:
        axes = self._axes[reads[0]]
        if axes[int(self._constants[reads[-1]])] != 1:
            raise GraphError(f"{node.name}: only channels are put side by side")
        self._join(node, "concat", reads[:-1])

    def _read_splitv(self, node: Any, reads: Sequence[str]) -> None:
        axes = self._axes[reads[0]]
        if axes[int(self._constants[reads[2]])] != 1:
            raise GraphError(f"{node.name}: only channels are split")
        start = 0
        for number, count in enumerate(self._constants[reads[1]].tolist()):
            name = node.name if number == 0 else f"{node.name}:{number}"
            self._steps.append(Step("slice", (self._map(reads[0]),), name, {"start": start, "end": start + count}))
            self._axes[name] = axes
            start += count

    def _read_identity(self, node: Any, reads: Sequence[str]) -> None:
        self._pass(node, reads[0], self._axes[reads[0]])

    def _read_transpose(self, node: Any, reads: Sequence[str]) -> None:
        axes = self._axes[reads[0]]
        self._pass(node, reads[0], tuple(axes[int(place)] for place in self._constants[reads[1]]))

    def _read_pad(self, node: Any, reads: Sequence[str]) -> None:
        axes = self._axes[reads[0]]
        amounts = dict(zip(axes, self._constants[reads[1]].tolist(), strict=True))
        if any(amounts[0]) or any(amounts[1]):
            raise GraphError(f"{node.name}: only height and width are padded")
        value = float(self._constants[reads[2]]) if len(reads) > 2 else 0.0
        self._add(node, "pad", reads[:1], axes, padding=[*amounts[3], *amounts[2]], value=value)

    _read_padv2 = _read_pad

    def _read_maxpool(self, node: Any, reads: Sequence[str]) -> None:
        settings = {
            "kernel": self._spatial(node.attr["ksize"].list.i),
            "stride": self._spatial(node.attr["strides"].list.i),
            "padding": "same" if node.attr["padding"].s == b"SAME" else [0, 0, 0, 0],
        }
        self._add(node, "max_pool", reads, NHWC, **settings)

    def _read_mean(self, node: Any, reads: Sequence[str]) -> None:
        axes = self._axes[reads[0]]
        if {axes[int(place)] for place in self._constants[reads[1]].reshape(-1)} != {2, 3} or not node.attr["keep_dims"].b:
            raise GraphError(f"{node.name}: only the mean over height and width is known")
        self._add(node, "mean", reads[:1], axes)

    def _read_resizebilinear(self, node: Any, reads: Sequence[str]) -> None:
        centred = "half" if node.attr["half_pixel_centers"].b else "origin"
        grid = "corners" if node.attr["align_corners"].b else centred
        size = [int(side) for side in self._constants[reads[1]]]
        self._add(node, "resize", reads[:1], NHWC, mode="bilinear", grid=grid, size=size)

    def _read_leakyrelu(self, node: Any, reads: Sequence[str]) -> None:
        slope = float(node.attr["alpha"].f) if "alpha" in node.attr else 0.2
        self._add(node, "leaky", reads, self._axes[reads[0]], slope=slope)

    def _activate(self, node: Any, reads: Sequence[str]) -> None:
        self._add(node, ACTIVATIONS[node.op], reads, self._axes[reads[0]])

    _read_relu = _read_relu6 = _read_sigmoid = _activate


def _node_of(name: str) -> str:
    return name.partition(":")[0]
