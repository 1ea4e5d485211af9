"""Runs a `Graph` in PyTorch, differentiable with respect to the image and with frozen weights."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from protectors.pretrained.graph import Graph, GraphError, Step

Settings = dict[str, Any]
Operation = Callable[[Sequence[Tensor], Settings, dict[str, Tensor]], Tensor]


def _pad_same(image: Tensor, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """Return TensorFlow's "SAME" padding (left, right, top, bottom), with the odd cell at the end."""
    sides = []
    for size, taps, step, spread in zip(image.shape[2:], kernel, stride, dilation, strict=True):
        total = max((-(-size // step) - 1) * step + (taps - 1) * spread + 1 - size, 0)
        sides.append((total // 2, total - total // 2))
    (top, bottom), (left, right) = sides
    return left, right, top, bottom


def _padded(image: Tensor, settings: Settings, kernel: Sequence[int], value: float = 0.0) -> tuple[Tensor, tuple[int, int]]:
    """Apply padding that PyTorch's operation cannot, and return the image with the padding left for the operation."""
    padding = settings["padding"]
    dilation = settings.get("dilation", (1, 1))
    sides = _pad_same(image, kernel, settings["stride"], dilation) if padding == "same" else tuple(padding)
    left, right, top, bottom = sides
    if left == right and top == bottom and (value == 0.0 or not any(sides)):
        return image, (top, left)
    return functional.pad(image, sides, value=value), (0, 0)


def _activated(image: Tensor, kind: str, settings: Settings) -> Tensor:
    """Return a convolution's result after its activation, in the same memory where the gradient needs only what comes out."""
    if kind == "relu":
        return functional.relu(image, inplace=True)
    if kind == "relu6":
        return functional.relu6(image, inplace=True)
    if kind == "leaky":
        return functional.leaky_relu(image, settings["slope"], inplace=True)
    return functional.silu(image)


def _conv(inputs: Sequence[Tensor], settings: Settings, weights: dict[str, Tensor]) -> Tensor:
    weight = weights["weight"]
    image, padding = _padded(inputs[0], settings, weight.shape[2:])
    # The number of groups follows from the filters, each of which reads the channels of one group.
    groups = image.shape[1] // weight.shape[1]
    made = functional.conv2d(image, weight, weights["bias"], settings["stride"], padding, settings["dilation"], groups)
    return _activated(made, *settings["activation"]) if "activation" in settings else made


def _conv_transposed(inputs: Sequence[Tensor], settings: Settings, weights: dict[str, Tensor]) -> Tensor:
    return functional.conv_transpose2d(inputs[0], weights["weight"], weights["bias"], settings["stride"])


def _max_pool(inputs: Sequence[Tensor], settings: Settings, _: dict[str, Tensor]) -> Tensor:
    image, padding = _padded(inputs[0], settings, settings["kernel"], -torch.inf)
    return functional.max_pool2d(image, settings["kernel"], settings["stride"], padding)


def _resize(inputs: Sequence[Tensor], settings: Settings, _: dict[str, Tensor]) -> Tensor:
    image = inputs[0]
    size = settings.get("size") or [
        round(side * factor) for side, factor in zip(image.shape[2:], settings["scale"], strict=True)
    ]
    if settings["mode"] == "nearest":
        return functional.interpolate(image, size, mode="nearest")
    if settings["grid"] == "corners":
        return functional.interpolate(image, size, mode="bilinear", align_corners=True)
    if settings["grid"] == "half":
        return functional.interpolate(image, size, mode="bilinear", align_corners=False)
    return _resized_from_origin(image, size)


def _resized_from_origin(image: Tensor, size: Sequence[int]) -> Tensor:
    """Resize on TensorFlow 1's bilinear grid, which puts output pixel i at input i * (input size / output size)."""
    for axis, count in zip((2, 3), size, strict=True):
        cells = image.shape[axis]
        places = torch.arange(count, device=image.device) * (cells / count)
        lower = places.long().clamp(max=cells - 1)
        share = (places - lower).reshape([-1, 1] if axis == 2 else [-1])
        upper = (lower + 1).clamp(max=cells - 1)
        image = image.index_select(axis, lower) * (1 - share) + image.index_select(axis, upper) * share
    return image


def _shift(value: Tensor) -> Tensor:
    return value.reshape(1, -1, 1, 1)


OPERATIONS: dict[str, Operation] = {
    "conv": _conv,
    "conv_transposed": _conv_transposed,
    "max_pool": _max_pool,
    "resize": _resize,
    "affine": lambda inputs, _, weights: inputs[0] * _shift(weights["scale"]) + _shift(weights["shift"]),
    "add": lambda inputs, *_: inputs[0] + inputs[1],
    "multiply": lambda inputs, *_: inputs[0] * inputs[1],
    "concat": lambda inputs, *_: torch.cat(list(inputs), 1),
    "slice": lambda inputs, settings, _: inputs[0][:, settings["start"] : settings["end"]],
    "mean": lambda inputs, *_: inputs[0].mean((2, 3), keepdim=True),
    "pad": lambda inputs, settings, _: functional.pad(inputs[0], settings["padding"], value=settings["value"]),
    "sigmoid": lambda inputs, *_: inputs[0].sigmoid(),
    "relu": lambda inputs, *_: functional.relu(inputs[0]),
    "relu6": lambda inputs, *_: functional.relu6(inputs[0]),
    "silu": lambda inputs, *_: functional.silu(inputs[0]),
    "leaky": lambda inputs, settings, _: functional.leaky_relu(inputs[0], settings["slope"]),
}


class GraphNetwork(nn.Module):
    """Runs a graph as a frozen network.

    Raises:
        GraphError: the graph has a step of an unknown kind.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        unknown = sorted({step.kind for step in graph.steps} - OPERATIONS.keys())
        if unknown:
            raise GraphError(f"no operation is called {unknown[0]}")
        self.image = graph.image
        self.outputs = graph.outputs
        self.steps = graph.steps
        self._names = {name: f"weight{number}" for number, name in enumerate(sorted(graph.weights))}
        for name, registered in self._names.items():
            self.register_buffer(registered, graph.weights[name])
        self._last_reader = self._find_last_readers()

    def channels(self, output: str) -> int:
        """Return the number of channels of a convolution's output."""
        return int(self.get_buffer(self._names[f"{output}.weight"]).shape[0])

    def narrowed(self, kept: Mapping[str, Tensor]) -> "GraphNetwork":
        """Return this network with only some channels of some convolutions, by the names of their outputs.

        No other step may read these outputs. All other weights are shared.
        """
        made = copy(self)
        made._buffers = dict(self._buffers)
        for output, channels in kept.items():
            for part in ("weight", "bias"):
                registered = self._names[f"{output}.{part}"]
                weights = self.get_buffer(registered)
                made.register_buffer(registered, weights[channels.to(weights.device)])
        return made

    def _find_last_readers(self) -> dict[str, int]:
        last = {name: number for number, step in enumerate(self.steps) for name in step.inputs}
        return {name: number for name, number in last.items() if name not in self.outputs}

    def _weights(self, step: Step) -> dict[str, Tensor]:
        found = {}
        for part in ("weight", "bias", "scale", "shift"):
            if registered := self._names.get(f"{step.output}.{part}"):
                found[part] = getattr(self, registered)
        return found

    def forward(self, image: Tensor, wanted: Sequence[str] = ()) -> dict[str, Tensor]:
        """Return the outputs and the ``wanted`` intermediate maps by name; ``image`` [B, 3, H, W] is the network's input."""
        made = {self.image: image}
        kept = {*self.outputs, *wanted}
        for number, step in enumerate(self.steps):
            read = [made[name] for name in step.inputs]
            made[step.output] = OPERATIONS[step.kind](read, dict(step.settings), self._weights(step))
            for name in step.inputs:
                # Without gradients, this frees a map's memory after its last use.
                if self._last_reader.get(name) == number and name not in kept:
                    made.pop(name, None)
        return {name: made[name] for name in dict.fromkeys((*self.outputs, *wanted))}
