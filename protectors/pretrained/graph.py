"""A network as data: steps over named tensors, and their weights, in one safetensors file.

Every reader of a foreign format (TensorFlow, TensorFlow Lite, ONNX) creates a `Graph`; ``network.GraphNetwork`` runs it.
All images and maps are [B, C, H, W], whatever the format's order of axes.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

KEY = "graph"
"""The key of the safetensors file's metadata that holds the steps as JSON."""


class GraphError(Exception):
    """A file holds no network that can be run here; the text says why."""


@dataclass(frozen=True)
class Step:
    """One operation: its kind, the names of its inputs and its output, and its settings (numbers, words and lists)."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    settings: Mapping[str, Any]

    def as_json(self) -> list[Any]:
        return [self.kind, list(self.inputs), self.output, dict(self.settings)]


@dataclass(frozen=True)
class Graph:
    """The steps in their order, the name of the input image, and the names of the outputs.

    Weights are float32, with names such as ``STEP.weight``.
    """

    image: str
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    weights: Mapping[str, Tensor]

    def save(self, path: Path) -> None:
        """Write the network to a safetensors file."""
        told = {"image": self.image, "steps": [step.as_json() for step in self.steps], "outputs": list(self.outputs)}
        save_file({name: value.contiguous() for name, value in self.weights.items()}, path, {KEY: json.dumps(told)})


def load(path: Path) -> Graph:
    """Read a network from a safetensors file that ``Graph.save`` wrote.

    Raises:
        GraphError: the file holds no graph.
    """
    with safe_open(path, "pt") as file:
        told = (file.metadata() or {}).get(KEY)
        if told is None:
            raise GraphError(f"{path.name} holds no graph")
        weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    content = json.loads(told)
    steps = tuple(Step(kind, tuple(inputs), output, settings) for kind, inputs, output, settings in content["steps"])
    return Graph(content["image"], steps, tuple(content["outputs"]), weights)


ACTIVATIONS = frozenset({"relu", "relu6", "leaky", "silu"})
"""Kinds of steps that can be folded into the convolution before them."""


def simplified(graph: Graph) -> Graph:
    """Return the same network with fewer steps. Steps that no output needs are dropped. Padding before a convolution, and
    affine steps and activations after it, are folded into it if nothing else reads the tensor between."""
    steps = _needed(graph.steps, graph.outputs)
    weights = dict(graph.weights)
    readers = Counter(name for step in steps for name in step.inputs)
    readers.update(graph.outputs)
    kept: dict[str, Step] = {}
    for step in steps:
        before = kept.get(step.inputs[0])
        if before is not None and readers[before.output] == 1 and (folded := _folded(before, step, weights)):
            del kept[before.output]
            kept[step.output] = folded
        else:
            kept[step.output] = step
    used = {name for name in weights if name.rpartition(".")[0] in kept}
    return Graph(graph.image, tuple(kept.values()), graph.outputs, {name: weights[name] for name in sorted(used)})


def _folded(before: Step, step: Step, weights: dict[str, Tensor]) -> Step | None:
    """Fold two steps into one that takes the second's name, or return None if they cannot be folded."""
    if before.kind == "pad" and step.kind == "conv":
        if before.settings["value"] != 0 or step.settings["padding"] != [0, 0, 0, 0]:
            return None
        settings = {**step.settings, "padding": before.settings["padding"]}
        return replace(step, inputs=before.inputs, settings=settings)
    if before.kind != "conv" or "activation" in before.settings:
        return None
    if step.kind == "affine":
        weight, bias = (weights.pop(f"{before.output}.{part}").double() for part in ("weight", "bias"))
        scale, shift = (weights.pop(f"{step.output}.{part}").double() for part in ("scale", "shift"))
        weights[f"{step.output}.weight"] = (weight * scale.reshape(-1, 1, 1, 1)).float()
        weights[f"{step.output}.bias"] = (bias * scale + shift).expand(len(weight)).float().contiguous()
        return replace(before, output=step.output)
    if step.kind in ACTIVATIONS:
        for part in ("weight", "bias"):
            weights[f"{step.output}.{part}"] = weights.pop(f"{before.output}.{part}")
        settings = {**before.settings, "activation": [step.kind, dict(step.settings)]}
        return replace(before, output=step.output, settings=settings)
    return None


def in_order(outputs: Iterable[str], known: Iterable[str], reads: Callable[[str], Iterable[str]]) -> list[str]:
    """Return the names that the outputs depend on, each after those that it reads; ``known`` ones are left out."""
    ordered: list[str] = []
    seen = set(known)
    waiting = [(name, False) for name in reversed(list(outputs))]
    while waiting:
        name, is_ready = waiting.pop()
        if is_ready:
            ordered.append(name)
        elif name not in seen:
            seen.add(name)
            waiting.append((name, True))
            waiting.extend((read, False) for read in reads(name))
    return ordered


def _needed(steps: Iterable[Step], outputs: Iterable[str]) -> list[Step]:
    """Return the steps that the outputs depend on, in their order."""
    needed = set(outputs)
    chosen = []
    for step in reversed(list(steps)):
        if step.output in needed:
            needed.update(step.inputs)
            chosen.append(step)
    return chosen[::-1]


def check_weights(graph: Graph) -> None:
    """Check that all weights are finite.

    Raises:
        GraphError: a weight is not finite.
    """
    for name, value in graph.weights.items():
        if not torch.isfinite(value).all():
            raise GraphError(f"{name} holds numbers that are not finite")
