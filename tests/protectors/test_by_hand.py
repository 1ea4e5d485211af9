"""Tests Object Disappearance on a detector small enough to compute by hand, and every objective's gradients in float64."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from protectors.adversaries.classifier import Classifier
from protectors.adversaries.detector import Look, Proposals, TwoStageDetector
from protectors.adversaries.hash_encoder import HashEncoder
from protectors.adversaries.reading import Detection
from protectors.base import Budget
from protectors.channel.channel_set import ChannelSet
from protectors.channel.pipeline import Pipeline
from protectors.judging.question import about_objects
from protectors.objects import RULES as OBJECT_RULES
from protectors.objects import Disappearance, ObjectDisappearance, Published, Rule
from protectors.scene import Misreading
from protectors.scene import Rule as SceneRule
from protectors.search import RULES
from protectors.search import Rule as SearchRule
from tests.protectors.conftest import finish

SCALE = 4.0
EPSILON = 0.02
CLASSES = ("background", "cup", "hat")

CUP, BLUE = (0.8, 0.1, 0.1), (0.2, 0.2, 0.9)
HAT = (0.1, 0.7, 0.2)


class TwoPixels(TwoStageDetector):
    """A detector in which every pixel of [B, 3, 1, 2] is a proposal with logits red (cup), green (hat), blue (background)."""

    def __init__(self) -> None:
        self.name = "two pixels"
        self.classes = CLASSES
        self.threshold = 0.3

    def logits(self, images: Tensor, proposals: Sequence[Proposals]) -> list[Tensor]:
        # Boxes are (x, 0, x + 1, 1).
        columns = [proposed.boxes[:, 0].long() for proposed in proposals]
        return [SCALE * image[[2, 0, 1], 0][:, chosen].T for image, chosen in zip(images, columns, strict=True)]

    def propose(self, images: Tensor) -> tuple[list[Proposals], list[Tensor]]:
        boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 2.0, 1.0]])
        proposals = [Proposals(boxes)] * len(images)
        return proposals, [functional.softmax(values, 1) for values in self.logits(images, proposals)]

    def detect(self, images: Tensor, threshold: float = 0.3) -> list[list[Detection]]:
        found = []
        for scores in self.propose(images)[1]:
            best, labels = scores[:, 1:].max(1)
            found.append(
                [
                    Detection(CLASSES[label + 1], score, (x, 0, x + 1, 1))
                    for x, (score, label) in enumerate(zip(best.tolist(), labels.tolist(), strict=True))
                    if score >= threshold
                ]
            )
        return found


class Looking(TwoPixels):
    """Gives proposals and logits in one pass, and counts its passes."""

    def __init__(self) -> None:
        super().__init__()
        self.passes = 0

    def look(self, images: Tensor) -> Look:
        self.passes += 1
        return SeenPixels(self, images)


class SeenPixels(Look):
    def __init__(self, detector: TwoPixels, images: Tensor) -> None:
        object.__setattr__(self, "detector", detector)
        object.__setattr__(self, "images", images)

    def proposed(self) -> tuple[list[Proposals], list[Tensor]]:
        return self.detector.propose(self.images.detach())

    def logits(self, proposals: Sequence[Proposals]) -> list[Tensor]:
        return self.detector.logits(self.images, proposals)

    detector: TwoPixels
    images: Tensor


def picture(left: tuple[float, ...], right: tuple[float, ...]) -> Tensor:
    return torch.tensor([left, right]).T[None, :, None, :]


def stepped(objective: Disappearance, images: Tensor, step: int) -> Tensor:
    """Return the images after one step of the loop, without rounding and budget."""
    held = images.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(objective.loss(held, step).sum(), held)
    return images - objective.update(gradient, step)


def test_algorithm_1_hides_all_step_by_step() -> None:
    originals = picture(CUP, BLUE)
    objective = Published(TwoPixels(), originals, (), None, EPSILON)
    red, green, blue = CUP
    images = originals
    for step in range(3):
        # The gradient of cross-entropy to the background is 4 (p - 1) for the background's class and 4 p for others.
        powers = [torch.tensor(SCALE * value).exp() for value in (blue, red, green)]
        nothing, cup, hat = (float(power / sum(powers)) for power in powers)
        steepest = 1 - nothing
        red, green, blue = (
            red - EPSILON * cup / steepest,
            green - EPSILON * hat / steepest,
            blue + EPSILON,
        )
        images = stepped(objective, images, step)
        # The pixel in which nothing is found is below T and stays unchanged.
        assert torch.allclose(images, picture((red, green, blue), BLUE), atol=1e-5), step
    assert not objective.finished(images, 3)


def test_algorithm_1_stops_once_all_scores_on_the_first_proposals_are_below_t() -> None:
    objective = Published(TwoPixels(), picture(CUP, BLUE), (), None, EPSILON)
    # With equal red, green and blue, the cup's probability is a third; T is 0.3.
    assert objective.finished(picture((0.5, 0.5, 0.5), BLUE), 1).tolist() == [False]
    assert objective.finished(picture((0.5, 0.5, 0.7), BLUE), 1).tolist() == [True]


def test_algorithm_1_has_sensitive_things_read_as_what_else_is_there() -> None:
    originals = picture(CUP, HAT)
    objective = Published(TwoPixels(), originals, (1,), None, EPSILON)
    assert objective.replacements == [(2,)]
    red, green, blue = CUP
    powers = [torch.tensor(SCALE * value).exp() for value in (blue, red, green)]
    nothing, cup, hat = (float(power / sum(powers)) for power in powers)
    images = stepped(objective, originals, 0)
    by_hand = (red - EPSILON * cup / (1 - hat), green + EPSILON, blue - EPSILON * nothing / (1 - hat))
    # The hat need not be hidden, so its pixel stays unchanged.
    assert torch.allclose(images, picture(by_hand, HAT), atol=1e-5)


def test_algorithm_1_takes_other_classes_in_turn() -> None:
    """If the photo holds nothing else, all other classes replace the sensitive one in turn."""
    detector = TwoPixels()
    detector.classes = (*CLASSES, "bag")
    assert Published(detector, picture(CUP, BLUE), (1,), None, EPSILON).replacements == [(2, 3)]


@pytest.mark.parametrize("rule", ["published", "refreshed"])
@pytest.mark.parametrize("sensitive", [(), ("cup",)])
def test_a_batch_of_photos_becomes_what_each_becomes_alone(rule: Rule, sensitive: tuple[str, ...]) -> None:
    protector = ObjectDisappearance(TwoPixels(), sensitive, rule=rule)
    photos = torch.cat([picture(CUP, HAT), picture(CUP, BLUE), picture(BLUE, BLUE)])
    together = finish(protector.protect(photos, Budget(0.9, 200)))[1].images
    for photo, image in zip(photos, together, strict=True):
        alone = finish(protector.protect(photo[None], Budget(0.9, 200)))[1].images
        assert torch.allclose(alone[0], image, atol=1e-6)
    assert all(verdict.protected for verdict in about_objects(protector.detector, sensitive).verdicts(photos, together))


def test_views_in_turn_come_to_the_next_once_the_first_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[int, ...]] = []
    made = ChannelSet.sampled_views

    def recorded(channels: ChannelSet, images: Tensor, step: int, views: Sequence[int] | None = None) -> Tensor:
        drawn.append(tuple(views or ()) or tuple(channels.active_views(step)))
        return made(channels, images, step, views)

    monkeypatch.setattr(ChannelSet, "sampled_views", recorded)
    detector = Looking()
    channels = ChannelSet(((Pipeline("fine", 100, subsampled=False),), (Pipeline("good", 98, subsampled=False),)), in_turn=True)
    protector = ObjectDisappearance(detector, rule="sparing", channels=channels)
    cloaked = finish(protector.protect(picture(CUP, BLUE), Budget(0.9, 200)))[1]
    assert cloaked.steps[0] < 200
    # View 0 is pushed until it is quiet, and is read again regularly while the others are pushed.
    first = next(place for place, views in enumerate(drawn) if views != (0,))
    assert first >= 3
    assert {views[0] for views in drawn[first:]} == {0, 1, 2}
    assert all(len(views) == 1 for views in drawn)
    assert detector.passes == len(drawn)
    assert all(verdict.protected for verdict in about_objects(detector).verdicts(picture(CUP, BLUE), cloaked.images))
    # The perturbation shrinks as long as all views stay quiet.
    coarse = finish(ObjectDisappearance(detector, rule="refreshed").protect(picture(CUP, BLUE), Budget(0.9, 200)))[1]
    assert (cloaked.images - picture(CUP, BLUE)).square().sum() < 1.2 * (coarse.images - picture(CUP, BLUE)).square().sum()


@pytest.mark.parametrize("rule", ["published", "refreshed"])
@given(levels=st.integers(1, 30), seed=st.integers(0, 1000), steps=st.integers(1, 12))
@settings(max_examples=25)
def test_the_budget_holds_on_the_levels_of_a_file(rule: Rule, levels: int, seed: int, steps: int) -> None:
    chance = torch.Generator().manual_seed(seed)
    originals = torch.randint(0, 256, (2, 3, 1, 2), generator=chance) / 255
    cloaked = finish(ObjectDisappearance(TwoPixels(), rule=rule).protect(originals, Budget(levels / 255, steps)))[1]
    assert ((cloaked.images - originals) * 255).round().abs().max() <= levels
    assert torch.equal((cloaked.images * 255).round() / 255, cloaked.images)
    assert cloaked.images.min() >= 0
    assert cloaked.images.max() <= 1


class Mixed(nn.Module):
    """A smooth, nonlinear network in float64, whose outputs depend on all pixels."""

    def __init__(self, outputs: int, pixels: int) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(outputs)
        self.matrix = nn.Parameter(torch.randn(pixels, outputs, dtype=torch.float64, generator=chance))

    def forward(self, images: Tensor) -> Tensor:
        return torch.sin(images.flatten(1) @ self.matrix)


def exact_images(width: int = 2) -> Tensor:
    return torch.rand(2, 3, 2, width, dtype=torch.float64, generator=torch.Generator().manual_seed(5), requires_grad=True)


@pytest.mark.parametrize("towards", [True, False])
@pytest.mark.parametrize("rule", ["published", "shaped"])
def test_gradient_of_the_scene_objective(rule: SceneRule, towards: bool) -> None:
    classifier = Classifier("mixed", Mixed(3, 12), CLASSES, 2)
    objective = Misreading(classifier, torch.tensor([0, 2]), towards, 0.1, rule)
    assert torch.autograd.gradcheck(lambda images: objective.loss(images, 0), (exact_images(),))


@pytest.mark.parametrize("rule", RULES)
def test_gradient_of_the_search_objective(rule: SearchRule) -> None:
    encoder = HashEncoder(
        "mixed", Mixed(6, 12), CLASSES, torch.randn(3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(4)), 2
    )
    images = exact_images()
    objective = RULES[rule]([encoder], images.detach(), [torch.tensor([1, 2])])
    assert torch.autograd.gradcheck(lambda images: objective.loss(images, 0), (images,))


@pytest.mark.parametrize("rule", ["published", "refreshed"])
@pytest.mark.parametrize("sensitive", [(), (1,)])
def test_gradient_of_the_objects_objective(rule: Rule, sensitive: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.cat([picture(CUP, HAT), picture(HAT, CUP)]).double().requires_grad_(True)
    objective = OBJECT_RULES[rule](TwoPixels(), images.detach(), sensitive, None, EPSILON)
    objective.finished(images.detach(), 0)
    # A proposal's weight depends on the photo, but is not differentiated.
    monkeypatch.setattr(objective, "_weight", torch.ones_like)
    assert torch.autograd.gradcheck(lambda images: objective.loss(images, 0), (images,))
