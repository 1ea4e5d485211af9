"""Reads TensorFlow Lite networks: convolutional classifiers, including those quantised to 8 bits.

Weights are converted back to float32 with their scales. The rounding of maps between layers is left out, which makes the
network differentiable.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tflite
import torch
from numpy.typing import NDArray
from torch import Tensor

from protectors.pretrained.graph import Graph, GraphError, Step, simplified

STORED = {0: np.float32, 2: np.int32, 3: np.uint8, 9: np.int8}
"""NumPy's types by the format's numbers of types."""

ACTIVATIONS = {0: None, 1: "relu", 3: "relu6"}
"""Kinds of steps by the format's numbers of activations."""


def read_classifier(path: Path) -> Graph:
    """Read a classifier from images [B, 3, H, W], scaled as by the file's first operation (``pixel_scale``), to logits
    [B, classes, 1, 1].

    Raises:
        GraphError: an operation is unknown.
    """
    return _Translation(path.read_bytes()).graph()


def pixel_scale(path: Path) -> tuple[float, float]:
    """Return the scale and the zero point of the network's input: scale * (pixel - zero) for a pixel of 0 to 255."""
    graph = tflite.Model.GetRootAsModel(path.read_bytes(), 0).Subgraphs(0)
    quantisation = graph.Tensors(graph.InputsAsNumpy()[0]).Quantization()
    return float(quantisation.ScaleAsNumpy()[0]), float(quantisation.ZeroPointAsNumpy()[0])


@cache
def _operation_names() -> Mapping[int, str]:
    return {number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)}


def _options(operator: Any, kind: Any) -> Any:
    """Return an operation's settings, which the format keeps in a table of the operation's kind."""
    table = operator.BuiltinOptions()
    options = kind()
    options.Init(table.Bytes, table.Pos)
    return options


class _Translation:
    """Translates one network from the file's operations to steps."""

    def __init__(self, data: bytes) -> None:
        self._model = tflite.Model.GetRootAsModel(data, 0)
        self._graph = self._model.Subgraphs(0)
        self._same: dict[int, int] = {}
        self._steps: list[Step] = []
        self._weights: dict[str, Tensor] = {}

    def graph(self) -> Graph:
        handlers: dict[str, Callable[[Any], None]] = {
            "QUANTIZE": self._pass,
            "DEQUANTIZE": self._pass,
            "RESHAPE": self._pass,
            # The outputs are logits, so the softmax at the end is skipped.
            "SOFTMAX": self._pass,
            "CONV_2D": self._convolve,
            "DEPTHWISE_CONV_2D": self._convolve_depthwise,
            "FULLY_CONNECTED": self._connect,
            "ADD": self._add,
            "AVERAGE_POOL_2D": self._average,
        }
        for number in range(self._graph.OperatorsLength()):
            operator = self._graph.Operators(number)
            name = _operation_names()[self._model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()]
            if name not in handlers:
                raise GraphError(f"the operation {name} is not known")
            handlers[name](operator)
        image, output = self._graph.InputsAsNumpy()[0], self._graph.OutputsAsNumpy()[0]
        return simplified(Graph(self._name(image), tuple(self._steps), (self._name(output),), self._weights))

    def _name(self, tensor: int) -> str:
        number = int(tensor)
        while number in self._same:
            number = self._same[number]
        return f"map{number}"

    def _pass(self, operator: Any) -> None:
        self._same[int(operator.Outputs(0))] = int(operator.Inputs(0))

    def _values(self, number: int) -> NDArray[np.float32]:
        tensor = self._graph.Tensors(number)
        stored = np.frombuffer(self._model.Buffers(tensor.Buffer()).DataAsNumpy(), STORED[tensor.Type()])
        values: NDArray[np.float32] = stored.reshape(tensor.ShapeAsNumpy()).astype(np.float32)
        quantisation = tensor.Quantization()
        if quantisation is None or not quantisation.ScaleLength():
            return values
        along = [1] * values.ndim
        along[quantisation.QuantizedDimension()] = -1
        shape = along if quantisation.ScaleLength() > 1 else [1] * values.ndim
        scale, zero = quantisation.ScaleAsNumpy().reshape(shape), quantisation.ZeroPointAsNumpy().reshape(shape)
        restored: NDArray[np.float32] = ((values - zero) * scale).astype(np.float32)
        return restored

    def _made(self, kind: str, operator: Any, inputs: int, settings: dict[str, Any], activation: int = 0) -> None:
        output = f"map{int(operator.Outputs(0))}"
        if activation not in ACTIVATIONS:
            raise GraphError(f"the activation {activation} is not known")
        reads = tuple(self._name(operator.Inputs(place)) for place in range(inputs))
        word = ACTIVATIONS[activation]
        self._steps.append(Step(kind, reads, f"{output}.linear" if word else output, settings))
        if word:
            self._steps.append(Step(word, (f"{output}.linear",), output, {}))

    def _filter(self, operator: Any, weight: NDArray[np.float32], activation: int) -> None:
        output = f"map{int(operator.Outputs(0))}" + (".linear" if ACTIVATIONS.get(activation) else "")
        self._weights[f"{output}.weight"] = torch.from_numpy(np.ascontiguousarray(weight))
        self._weights[f"{output}.bias"] = torch.from_numpy(self._values(operator.Inputs(2)))

    def _convolution(self, options: Any) -> dict[str, Any]:
        return {
            "stride": [options.StrideH(), options.StrideW()],
            "dilation": [options.DilationHFactor(), options.DilationWFactor()],
            "padding": "same" if options.Padding() == tflite.Padding.SAME else [0, 0, 0, 0],
        }

    def _convolve(self, operator: Any) -> None:
        options = _options(operator, tflite.Conv2DOptions)
        self._filter(operator, self._values(operator.Inputs(1)).transpose(0, 3, 1, 2), options.FusedActivationFunction())
        self._made("conv", operator, 1, self._convolution(options), options.FusedActivationFunction())

    def _convolve_depthwise(self, operator: Any) -> None:
        options = _options(operator, tflite.DepthwiseConv2DOptions)
        self._filter(operator, self._values(operator.Inputs(1)).transpose(3, 0, 1, 2), options.FusedActivationFunction())
        self._made("conv", operator, 1, self._convolution(options), options.FusedActivationFunction())

    def _connect(self, operator: Any) -> None:
        options = _options(operator, tflite.FullyConnectedOptions)
        weight = self._values(operator.Inputs(1))
        self._filter(operator, weight[:, :, None, None], options.FusedActivationFunction())
        settings = {"stride": [1, 1], "dilation": [1, 1], "padding": [0, 0, 0, 0]}
        self._made("conv", operator, 1, settings, options.FusedActivationFunction())

    def _add(self, operator: Any) -> None:
        self._made("add", operator, 2, {}, _options(operator, tflite.AddOptions).FusedActivationFunction())

    def _average(self, operator: Any) -> None:
        options = _options(operator, tflite.Pool2DOptions)
        height, width = self._graph.Tensors(operator.Inputs(0)).ShapeAsNumpy()[1:3]
        if (options.FilterHeight(), options.FilterWidth()) != (height, width):
            raise GraphError("only the average over the whole map is known")
        self._made("mean", operator, 1, {})
