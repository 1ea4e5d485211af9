"""Tests protective perturbations: sizes, a service's readings after resizing, the verdicts, and resumed training."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from protectors.adversaries.classifier import Classifier
from protectors.base import Budget
from protectors.evaluation.running import cloaked_batch
from protectors.judging.question import ask
from protectors.training.checkpoint import OtherRunError
from protectors.training.cifar import LabelledImages
from protectors.training.visual import GeneratorTraining, Recipe, choose_auxiliary, gradient_likeness
from protectors.unet import UNet
from protectors.visual import PerturbationGenerator, VisualProtector, enlarged_for, perturbed, smaller

SIDE = 32
CLASSES = ("red", "green", "blue")


class Colours(nn.Module):
    """A network whose logits are the mean colours, or those of the left half only."""

    def __init__(self, half: bool = False) -> None:
        super().__init__()
        self.left_only = half
        self.scale = nn.Parameter(torch.tensor(8.0))

    def forward(self, images: Tensor) -> Tensor:
        seen = images[..., : images.shape[3] // 2] if self.left_only else images
        return self.scale * seen.mean((2, 3))


def classifier(name: str, half: bool = False) -> Classifier:
    return Classifier(name, Colours(half), CLASSES, SIDE)


def small_cifar() -> LabelledImages:
    """Return images of one colour each, with noise, and their labels, in place of the archive."""
    cifar = object.__new__(LabelledImages)
    chance = torch.Generator().manual_seed(0)
    cifar.labels = torch.randint(0, 3, (64,), generator=chance)
    cifar.images = torch.randint(0, 120, (64, 3, SIDE, SIDE), dtype=torch.uint8, generator=chance)
    cifar.images[torch.arange(64), cifar.labels] += 100
    cifar.train, cifar.test = torch.arange(48), torch.arange(48, 64)
    cifar.classes = list(CLASSES)
    return cifar


@pytest.mark.parametrize("size", [(32, 32), (480, 640), (101, 67), (20, 200)])
def test_any_size_is_read_by_the_service_as_it_was_drawn(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    generator = PerturbationGenerator("small", UNet(4), SIDE)
    protector = VisualProtector(generator, classifier("other"))
    photo = torch.rand(1, 3, *size)
    cloaked = cloaked_batch(protector, photo, Budget())
    assert cloaked.images.shape == photo.shape
    assert torch.allclose(cloaked.images * 255, (cloaked.images * 255).round(), atol=1e-3)
    fits = size == (SIDE, SIDE)
    drawn = generator.draw(photo if fits else smaller(photo, SIDE))
    arrived = cloaked.images if fits else smaller(cloaked.images, SIDE)
    # A side smaller than the model's input cannot carry the whole drawing.
    bound = 1 / 255 if min(size) >= 2 * SIDE or fits else 0.2
    assert (arrived - drawn).abs().mean() <= bound


def test_an_enlarged_picture_becomes_itself_again() -> None:
    # At half the contrast of noise, the overshoot that compensates for a service's smoothing fits into [0, 1].
    drawn = 0.25 + 0.5 * torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    back = smaller(enlarged_for(drawn, 200, 310), SIDE)
    assert (back - drawn).abs().mean() < 2 / 255


def test_batch_and_single_agree() -> None:
    torch.manual_seed(0)
    protector = VisualProtector(PerturbationGenerator("small", UNet(4), SIDE), classifier("other"))
    photos = torch.rand(3, 3, 50, 60)
    together = cloaked_batch(protector, photos, Budget()).images
    for photo, image in zip(photos, together, strict=True):
        assert (cloaked_batch(protector, photo[None], Budget()).images[0] - image).abs().max() <= 1.01 / 255


def test_verdicts_say_who_reads_what() -> None:
    protector = VisualProtector(
        PerturbationGenerator("small", UNet(4), SIDE), classifier("half", half=True), classifier("target")
    )
    red = torch.zeros(1, 3, SIDE, SIDE)
    red[:, 0] = 0.9
    changed = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2)) * 0.5
    changed[:, 2, :, : SIDE // 2] = 1
    changed[:, 0, :, SIDE // 2 :] = 1
    changed[:, 0, :, : SIDE // 2] += 0.4
    other, target = ask(protector.questions(), red, changed)
    assert (other.adversary, other.protected, other.before, other.after) == ("half", True, ("red",), ("blue",))
    assert (target.adversary, target.protected, target.before, target.after) == ("target", True, ("red",), ("red",))
    # The original is still read, and looks like itself.
    assert [verdict.protected for verdict in ask(protector.questions(), red, red)] == [False, False]


def test_without_the_services_model_likeness_alone_is_judged() -> None:
    protector = VisualProtector(PerturbationGenerator("theirs", UNet(4), SIDE), classifier("other"))
    photo = torch.rand(1, 3, SIDE, SIDE)
    assert [verdict.adversary for verdict in ask(protector.questions(), photo, photo)] == ["other", "theirs"]


def test_training_serves_the_target_and_blinds_the_other() -> None:
    torch.manual_seed(0)
    cifar = small_cifar()
    target, other = classifier("target"), classifier("half", half=True)
    network = GeneratorTraining(cifar, target, other, Recipe(60, batch=16), network=UNet(4)).run(lambda *_: None)
    images, labels = cifar.images[cifar.test].float() / 255, cifar.labels[cifar.test]
    with torch.no_grad():
        made = perturbed(network, images)
    assert (target.read(images).argmax(1) == labels).float().mean() > 0.9
    assert (target.read(made).argmax(1) == labels).float().mean() > 0.9
    assert (other.read(made).argmax(1) == labels).float().mean() < 0.2


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path) -> None:
    cifar, target, other = small_cifar(), classifier("target"), classifier("half", half=True)
    recipe = Recipe(2, batch=12)
    torch.manual_seed(3)
    start = UNet(2).state_dict()

    def training(path: Path | None) -> GeneratorTraining:
        network = UNet(2)
        network.load_state_dict(start)
        return GeneratorTraining(cifar, target, other, recipe, path, network)

    whole = training(None).run(lambda *_: None)
    first = training(tmp_path / "run.safetensors")
    for _ in range(3):
        first._advance()
    first._save(tmp_path / "run.safetensors")
    second = training(tmp_path / "run.safetensors")
    assert (second.step, second.total) == (3, 8)
    heard: list[tuple[int, int]] = []
    resumed = second.run(lambda done, total, left: heard.append((done, total)))
    assert heard == [(step, 8) for step in range(4, 9)]
    for (name, value), again in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.allclose(value, again, atol=1e-5), name


def test_another_runs_checkpoint_is_refused(tmp_path: Path) -> None:
    cifar, target = small_cifar(), classifier("target")
    path = tmp_path / "run.safetensors"
    GeneratorTraining(cifar, target, None, Recipe(0.1, batch=12), path, UNet(2)).run(lambda *_: None)
    with pytest.raises(OtherRunError, match="another run"):
        GeneratorTraining(cifar, target, None, Recipe(5, batch=12), path, UNet(2))


def test_the_auxiliary_that_looks_elsewhere_is_chosen() -> None:
    target, same, half = classifier("target"), classifier("same"), classifier("half", half=True)
    images, labels = torch.rand(6, 3, SIDE, SIDE), torch.tensor([0, 1, 2, 0, 1, 2])
    assert gradient_likeness(target, same, images, labels) == pytest.approx(1, abs=1e-4)
    assert choose_auxiliary(target, [target, same, half], images, labels) is half
    with pytest.raises(ValueError, match="another one"):
        choose_auxiliary(target, [target], images, labels)
