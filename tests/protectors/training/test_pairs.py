"""Tests the generators for pairs of real networks: a small training, the counts, and the measurement."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from protectors.adversaries.cifar_resnet import CifarResNet
from protectors.archive import DEFAULT_FOLDER
from protectors.cifar_resnets import CLASSES, described
from protectors.evaluation import visual as evaluation
from protectors.evaluation.grids import grid
from protectors.evaluation.measurement import Measurement
from protectors.evaluation.pairs import counts
from protectors.generators import load, network_of
from protectors.manifest import PAIRS, DamagedWeightsError, Entry, sha256_of
from protectors.training import visual
from protectors.training.checkpoint import OtherRunError
from protectors.training.grid import enter
from protectors.training.pairs import FAINT, Pairs
from protectors.training.visual import Recipe
from protectors.unet import Convolution, UNet
from protectors.visual import perturbed
from protectors.weights import save_half
from tests.protectors.conftest import needs_data
from tests.protectors.training.test_grid import few_images

RECIPE = Recipe(epochs=0.5, rate=1e-3, batch=8, smooth=False)


@pytest.fixture
def networks(tmp_path: Path) -> list[Entry]:
    """Return two networks with random weights."""
    made = []
    for depth in (20, 32):
        file = tmp_path / f"resnet{depth}.safetensors"
        torch.manual_seed(depth)
        save_file(CifarResNet(depth, 10).state_dict(), file)
        made.append(replace(described(depth, file), sha256=sha256_of(file)))
    return made


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """Write the weights of a generator to start from, and return their path."""
    torch.manual_seed(0)
    save_half(UNet().state_dict(), tmp_path / "start.safetensors")
    return tmp_path / "start.safetensors"


def test_all_pairs_are_trained_and_none_twice(tmp_path: Path, networks: list[Entry], start: Path) -> None:
    folder, said = tmp_path / "pairs", list[str]()

    def run() -> tuple[Entry, ...]:
        return Pairs(folder, few_images(), said.append, networks, RECIPE, 0.25, start).run()

    made = {generator.name: generator for generator in run()}
    assert {name: (generator.target, generator.auxiliary) for name, generator in made.items()} == {
        "unet_resnet20_resnet32": ("resnet20_cifar", "resnet32_cifar"),
        "unet_resnet32_resnet20": ("resnet32_cifar", "resnet20_cifar"),
        "unet_resnet20_none": ("resnet20_cifar", ""),
        "unet_resnet32_none": ("resnet32_cifar", ""),
    }
    assert "epochs 0.5, seed 0, rate 0.001, batch 8, never smoothed" in made["unet_resnet20_none"].source
    assert "from start made faint" in made["unet_resnet20_none"].source
    assert "unet_resnet20_resnet32: 2/2, about 0 s left, then 3 more generators" in said
    assert load(made["unet_resnet20_resnet32"]).side == 32
    assert not list(folder.glob("*.run"))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    said.clear()
    run()
    assert said == ["4 of 4 generators are there"]
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(OtherRunError, match="another recipe"):
        Pairs(folder, few_images(), said.append, networks, replace(RECIPE, seed=1), 0.25, start)


def test_a_targets_further_generators_begin_from_its_first(tmp_path: Path, networks: list[Entry], start: Path) -> None:
    third = replace(networks[0], name="resnet44_cifar")
    pairs = Pairs(tmp_path / "pairs", few_images(), print, [*networks, third], RECIPE, 0.25, start)
    first, further = pairs.wanted[:2]
    assert (first.auxiliary, first.first, further.auxiliary, further.first) == (
        "resnet32_cifar",
        "",
        "resnet44_cifar",
        first.name,
    )
    pairs.train(first, 1)
    network, recipe = pairs.beginning(further)
    assert network is not None
    trained = network_of(pairs.weights(first.name), first.name)
    assert all(torch.equal(value, trained.state_dict()[name]) for name, value in network.state_dict().items())
    assert (recipe.epochs, recipe.rate) == (0.25, RECIPE.rate / 2)
    assert recipe.start == visual.marked(trained)


def test_another_target_begins_from_a_faint_drawing(tmp_path: Path, networks: list[Entry], start: Path) -> None:
    pairs = Pairs(tmp_path / "pairs", few_images(), print, networks, RECIPE, 0.25, start)
    network, _ = pairs.beginning(pairs.wanted[0])
    assert network is not None
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(network.eval()(images), FAINT * network_of(start, "start").eval()(images), atol=1e-5)
    from_chance = replace(pairs, start=None)
    assert from_chance.beginning(pairs.wanted[0]) == (None, RECIPE)


def test_pairs_are_trained_further_each_from_its_own(tmp_path: Path, networks: list[Entry]) -> None:
    (tmp_path / "earlier").mkdir()
    with pytest.raises(OtherRunError, match="holds no generators"):
        Pairs(tmp_path / "further", few_images(), print, networks, RECIPE, 0.25, tmp_path / "earlier")
    earlier = Pairs(tmp_path / "earlier", few_images(), print, networks, RECIPE, 0.25)
    earlier.run()
    further = Pairs(tmp_path / "further", few_images(), print, networks, replace(RECIPE, seed=1), 0.25, earlier.folder)
    for pair in further.wanted:
        network, recipe = further.beginning(pair)
        assert network is not None
        trained = network_of(earlier.weights(pair.name), pair.name)
        assert recipe == replace(RECIPE, seed=1, start=visual.marked(trained))
        assert visual.marked(network) == recipe.start
    assert further.source.endswith(earlier.source)


@pytest.mark.parametrize("recipe", [RECIPE, replace(RECIPE, half=True), replace(RECIPE, smooth=True)], ids=str)
def test_a_training_that_was_stopped_ends_as_one_that_was_not(
    tmp_path: Path, networks: list[Entry], recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visual, "SAVED_EVERY", 0.0)

    def pairs(folder: str, say: Callable[[str], None]) -> Pairs:
        return Pairs(tmp_path / folder, few_images(), say, networks, replace(recipe, epochs=1), 0.25)

    class StoppedError(Exception):
        pass

    whole, stopped = pairs("whole", print), pairs("stopped", print)
    pair = whole.wanted[0]
    whole.train(pair, 0)
    save = visual.GeneratorTraining._save

    def save_and_stop(training: visual.GeneratorTraining, path: Path) -> None:
        save(training, path)
        if training.step == 2:
            raise StoppedError

    with monkeypatch.context() as context:
        context.setattr(visual.GeneratorTraining, "_save", save_and_stop)
        with pytest.raises(StoppedError):
            stopped.train(pair, 0)
    with safe_open(tmp_path / "stopped" / f"{pair.name}.run", "pt") as file:
        assert file.metadata()["step"] == "2"
    said = list[str]()
    pairs("stopped", said.append).train(pair, 0)
    assert said[0] == f"{pair.name}: going on at step 2 of 4"
    states = [network_of(training.weights(pair.name), pair.name).state_dict() for training in (whole, stopped)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


@pytest.mark.parametrize("side", [2, 4, 8])
def test_a_convolution_of_few_places_is_one_in_bfloat16_too(side: int) -> None:
    torch.manual_seed(side)
    layer = Convolution(24, 12)
    features = torch.randn(3, 24, side, side)
    free = features.bfloat16().requires_grad_(True)
    exact = features.bfloat16().float().requires_grad_(True)
    with torch.autocast("cpu", torch.bfloat16):
        made = layer(free)
    expected = layer(exact)
    assert made.dtype == torch.bfloat16
    assert torch.allclose(made.float(), expected, atol=0.02)
    ways = torch.randn_like(expected)
    found = torch.autograd.grad((made.float() * ways).sum(), (free, layer.weight))
    wanted = torch.autograd.grad((expected * ways).sum(), (exact, layer.weight))
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one.float(), other, atol=0.02 * other.abs().max().item())


def test_a_pair_counts_where_it_is_within_each_bound() -> None:
    figures = {
        **{"a.none.ssim": 0.5, "a.none.lost": 0.0, "a.none.auxiliary": 0.8, "baseline.a": 0.8},
        **{"a.b.target": 0.76, "a.b.lost": 0.04, "a.b.auxiliary": 0.1, "a.b.ssim": 0.4},
        **{"a.c.target": 0.7, "a.c.lost": 0.1, "a.c.auxiliary": 0.104, "a.c.ssim": 0.6},
        # The third bound is not met without a generator to compare with.
        **{"b.a.target": 0.8, "b.a.lost": 0.05, "b.a.auxiliary": 0.2, "b.a.ssim": 0.1},
    }
    assert counts(figures) == {
        "pairs": 3,
        "pairs_within_5": 2,
        "pairs_within_auxiliary": 2,
        "pairs_within_ssim": 1,
        "pairs_within_all": 1,
    }
    shown = grid("visual", figures)
    assert shown is not None
    assert shown.rows[0] == ("a / b", "80.0 %", "76.0 %", "10.0 %", "0.400", "0.500", "3 of 3")
    assert shown.rows[2] == ("b / a", "–", "80.0 %", "20.0 %", "0.100", "–", "1 of 3")


@needs_data
def test_real_networks_are_measured_with_the_generators_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "QUICK_IMAGES", 24)
    monkeypatch.setattr(evaluation, "SETTLED_IMAGES", 8)
    measurement = Measurement("visual", True, DEFAULT_FOLDER, lambda line: None, models=tmp_path, real=True)
    with pytest.raises(DamagedWeightsError, match="cloakroom train pairs"):
        evaluation.run(measurement)
    folder = tmp_path / PAIRS
    folder.mkdir()
    facts = {"task": "visual", "role": "generator", "architecture": "unet", "source": "here", "target": "resnet32_cifar"}
    torch.manual_seed(0)
    network = UNet()
    for name, auxiliary in (("unet_resnet32_resnet20", "resnet20_cifar"), ("unet_resnet32_none", "")):
        save_half(network.state_dict(), folder / f"{name}.safetensors")
        enter(folder, name, {**facts, "auxiliary": auxiliary}, CLASSES)
    evaluation.run(measurement)
    figures = measurement.figures
    assert figures["images"] == 24
    assert {"resnet32.resnet20.target", "resnet32.none.ssim", "baseline.resnet20", "resnet32.resnet20.settled.target"} <= set(
        figures
    )
    assert figures["resnet32.resnet20.settled.images"] == 8
    # Both generators have the same network; without an auxiliary model, the other network is the reader.
    assert figures["resnet32.resnet20.auxiliary"] == figures["resnet32.none.auxiliary"]
    assert figures["resnet32.resnet20.lost"] == pytest.approx(figures["baseline.resnet32"] - figures["resnet32.none.target"])
    assert (figures["real.pairs"], figures["pairs"], figures["pairs_within_ssim"]) == (1, 1, 0)


def test_a_generator_draws_within_the_image() -> None:
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        drawn = perturbed(UNet().eval(), images)
    assert drawn.shape == images.shape
    assert drawn.min() >= 0
    assert drawn.max() <= 1
