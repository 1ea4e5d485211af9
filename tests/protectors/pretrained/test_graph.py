"""Tests that folded graphs compute the same, and that a file gives back the graph written to it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from protectors.pretrained.graph import Graph, GraphError, Step, check_weights, load, simplified
from protectors.pretrained.network import GraphNetwork

PLAIN = {"stride": [1, 1], "dilation": [1, 1], "padding": [0, 0, 0, 0]}


def small_graph(outputs: tuple[str, ...] = ("out",)) -> Graph:
    """Return a graph of padding, a convolution, an affine step, an activation, and a step that no output needs."""
    chance = torch.Generator().manual_seed(1)
    weights = {
        "conv.weight": torch.randn(4, 3, 3, 3, generator=chance),
        "conv.bias": torch.randn(4, generator=chance),
        "norm.scale": torch.rand(4, generator=chance) + 0.5,
        "norm.shift": torch.randn(4, generator=chance),
    }
    steps = (
        Step("pad", ("image",), "padded", {"padding": [1, 1, 1, 1], "value": 0.0}),
        Step("conv", ("padded",), "conv", PLAIN),
        Step("affine", ("conv",), "norm", {}),
        Step("relu6", ("norm",), "out", {}),
        Step("sigmoid", ("out",), "unused", {}),
    )
    return Graph("image", steps, outputs, weights)


def image(side: int = 9) -> Tensor:
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(2))


def test_what_is_folded_computes_the_same_in_one_step() -> None:
    whole, folded = small_graph(), simplified(small_graph())
    assert [step.kind for step in folded.steps] == ["conv"]
    first, second = (GraphNetwork(graph)(image())["out"] for graph in (whole, folded))
    torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-5)


def test_nothing_is_folded_into_what_is_read_elsewhere() -> None:
    folded = simplified(small_graph(("out", "conv")))
    made = GraphNetwork(folded)(image())
    expected = GraphNetwork(small_graph(("out", "conv")))(image())
    for name in ("out", "conv"):
        torch.testing.assert_close(made[name], expected[name], rtol=1e-5, atol=1e-5)


def test_a_file_gives_back_the_network(tmp_path: Path) -> None:
    graph = simplified(small_graph())
    graph.save(tmp_path / "network.safetensors")
    again = load(tmp_path / "network.safetensors")
    torch.testing.assert_close(GraphNetwork(again)(image())["out"], GraphNetwork(graph)(image())["out"])


def test_a_file_without_a_graph_is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "weights.safetensors")
    with pytest.raises(GraphError, match="holds no graph"):
        load(tmp_path / "weights.safetensors")


def test_an_unknown_operation_and_weights_that_are_no_numbers_are_refused() -> None:
    unknown = Graph("image", (Step("magic", ("image",), "out", {}),), ("out",), {})
    with pytest.raises(GraphError, match="magic"):
        GraphNetwork(unknown)
    broken = Graph("image", (), (), {"a.weight": torch.tensor([float("nan")])})
    with pytest.raises(GraphError, match="not finite"):
        check_weights(broken)


@pytest.mark.parametrize("side", [8, 9])
@pytest.mark.parametrize("stride", [1, 2])
def test_same_padding_is_that_of_tensorflow(side: int, stride: int) -> None:
    weight = torch.ones(1, 1, 3, 3)
    step = Step("conv", ("image",), "out", {"stride": [stride] * 2, "dilation": [1, 1], "padding": "same"})
    made = GraphNetwork(Graph("image", (step,), ("out",), {"out.weight": weight, "out.bias": torch.zeros(1)}))
    ones = torch.ones(1, 1, side, side)
    total = max((-(-side // stride) - 1) * stride + 3 - side, 0)
    padded = functional.pad(ones, (total // 2, total - total // 2) * 2)
    torch.testing.assert_close(made(ones)["out"], functional.conv2d(padded, weight, stride=stride))


def test_the_gradient_reaches_the_image_and_the_weights_are_frozen() -> None:
    network = GraphNetwork(simplified(small_graph()))
    held = image().requires_grad_(True)
    network(held)["out"].sum().backward()
    assert held.grad is not None
    assert held.grad.abs().sum() > 0
    assert not list(network.parameters())


def test_tensorflow_ones_bilinear_grid_starts_at_the_origin() -> None:
    step = Step("resize", ("image",), "out", {"mode": "bilinear", "grid": "origin", "size": [4, 4]})
    made = GraphNetwork(Graph("image", (step,), ("out",), {}))(torch.tensor([[[[0.0, 2.0], [4.0, 6.0]]]]))["out"]
    assert made[0, 0].tolist() == [[0, 1, 2, 2], [2, 3, 4, 4], [4, 5, 6, 6], [4, 5, 6, 6]]
