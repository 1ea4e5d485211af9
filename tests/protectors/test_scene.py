"""Tests how P-FGSM draws targets, and that it fools the embedded classifier."""

import collections

import pytest
import skimage.data
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from protectors.adversaries.classifier import Classifier
from protectors.base import Budget
from protectors.channel.channel_set import AS_IT_IS
from protectors.cloak import Cloakroom
from protectors.evaluation.scene import distance_from_uniform
from protectors.judging.question import about_scene
from protectors.policy import Policy
from protectors.quality import as_tensor, psnr
from protectors.saving import Pixels
from protectors.scene import TURNS, Aim, Misreading, Rule, SceneProtector, draw_targets, improbable, unlikely
from tests.protectors.conftest import finish


def test_targets_come_from_beyond_the_cumulative_probability() -> None:
    probabilities = torch.tensor([[0.005, 0.90, 0.003, 0.085, 0.006, 0.001]]).repeat(1, 3000, 1)
    drawn = collections.Counter(draw_targets(unlikely(probabilities), torch.Generator().manual_seed(0)).tolist())
    # 0.90 + 0.085 + 0.006 exceeds 0.99: classes 1, 3 and 4 are likely, and the others are drawn uniformly.
    assert set(drawn) == {0, 2, 5}
    assert min(drawn.values()) > 850


def test_where_all_classes_are_likely_the_least_likely_is_the_target() -> None:
    probabilities = torch.tensor([[[0.3, 0.25, 0.2, 0.25]]])
    assert draw_targets(unlikely(probabilities), torch.Generator()).tolist() == [2]


def test_what_is_likely_in_any_view_is_never_drawn() -> None:
    views = torch.tensor([[0.995, 0.004, 0.0005, 0.0005], [0.3, 0.695, 0.0025, 0.0025], [0.6, 0.002, 0.398, 0.0]])
    drawn = draw_targets(unlikely(views[:, None].repeat(1, 200, 1)), torch.Generator().manual_seed(0))
    assert set(drawn.tolist()) == {3}


def test_ours_draws_what_is_improbable_in_every_view() -> None:
    views = torch.tensor([[0.90, 0.06, 0.03, 0.01], [0.90, 0.02, 0.06, 0.02]])[:, None]
    assert improbable(views).tolist() == [[False, False, False, True]]
    # A fifth of an even chance is 0.05 here; if no class has less, the least likely one is the candidate.
    assert improbable(torch.tensor([[[0.3, 0.25, 0.2, 0.25]]])).tolist() == [[False, False, True, False]]


def test_targets_cannot_be_foretold() -> None:
    probabilities = torch.softmax(torch.linspace(8, 0, 100), 0)[None, None].repeat(1, 50, 1)
    first, second = (draw_targets(unlikely(probabilities), torch.Generator().manual_seed(seed)) for seed in (1, 2))
    assert not torch.equal(first, second)


def test_without_a_seed_every_photo_has_its_own(cloakroom: Cloakroom) -> None:
    seeds = set()
    for _ in range(4):
        (protector,) = cloakroom.optimising(Policy(("scene",)), None, AS_IT_IS)
        assert isinstance(protector, SceneProtector)
        seeds.add(protector.generator.initial_seed())
    assert len(seeds) == 4


@pytest.mark.parametrize("name", ["coffee", "astronaut", "rocket"])
def test_the_scene_read_changes(classifier: Classifier, name: str) -> None:
    pixels: Pixels = getattr(skimage.data, name)()
    originals = as_tensor(pixels)
    protector = SceneProtector(classifier, torch.Generator().manual_seed(0))
    _, cloaked = finish(protector.protect(originals, Budget(8 / 255, 40)))
    (verdict,) = about_scene(classifier).verdicts(originals, cloaked.images)
    assert verdict.protected
    assert verdict.before != verdict.after
    assert psnr(pixels, (cloaked.images[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()) > 30


def test_a_margin_makes_the_reading_surer(classifier: Classifier, portrait: Pixels) -> None:
    originals = as_tensor(portrait)
    leads = []
    for margin in (0.0, 0.6):
        protector = SceneProtector(classifier, torch.Generator().manual_seed(0), margin)
        _, cloaked = finish(protector.protect(originals, Budget(8 / 255, 40)))
        first, second = classifier.read(cloaked.images)[0].topk(2).values.tolist()
        leads.append(first - second)
    assert leads[1] > 0.6
    assert leads[1] > leads[0]


class ChannelMeans(nn.Module):
    """A classifier whose logits are the means of the three channels: every gradient is known."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(10.0))

    def forward(self, images: Tensor) -> Tensor:
        return self.scale * images.mean((2, 3))


def pixels_classifier() -> Classifier:
    return Classifier("pixels", ChannelMeans(), ("red", "green", "blue"), 2, (0.0,) * 3, (1.0,) * 3)


REDDISH = torch.tensor([0.6, 0.5, 0.4])[None, :, None, None].expand(1, 3, 2, 2)


@pytest.mark.parametrize(("aim", "labels"), [("unlikely", {2}), ("random", {1, 2}), ("least", {2}), ("away", {0})])
def test_each_aim_has_its_labels(aim: Aim, labels: set[int]) -> None:
    probabilities = torch.tensor([[0.6, 0.395, 0.005]]).repeat(200, 1)
    protector = SceneProtector(pixels_classifier(), torch.Generator().manual_seed(0), aim=aim)
    assert set(protector._labels(probabilities[None])[0].tolist()) == labels


def test_p_fgsm_step_by_step_on_a_classifier_by_hand() -> None:
    """Cross-entropy towards blue raises blue and lowers the others, by 0.007 a step whatever the gradient."""
    classifier, originals = pixels_classifier(), REDDISH
    objective = Misreading(classifier, torch.tensor([2]), True, 0.0, "published")
    images = originals.clone()
    for step in range(3):
        held = images.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(objective.loss(held, step).sum(), held)
        images = images - objective.update(gradient, step)
        by_hand = originals + 0.007 * (step + 1) * torch.tensor([-1.0, -1.0, 1.0])[None, :, None, None]
        assert torch.allclose(images, by_hand, atol=1e-6)
    assert not objective.finished(images, 3)
    # Blue overtakes red once both have moved by a tenth, after fifteen steps and not after fourteen.
    for steps, done in ((14, False), (15, True)):
        images = originals + 0.007 * steps * torch.tensor([-1.0, -1.0, 1.0])[None, :, None, None]
        assert objective.finished(images, steps).tolist() == [done]


def test_what_is_out_of_reach_gives_way_to_the_nearest_that_may_be_read() -> None:
    classifier = pixels_classifier()
    turns = (torch.tensor([[False, True, True]]), torch.tensor([[True, True, False]]))
    objective = Misreading(classifier, torch.tensor([2]), True, 0.0, "shaped", turns=turns)
    assert not objective.finished(REDDISH, TURNS[0] - 1)
    assert objective.labels.tolist() == [2]
    assert not objective.finished(REDDISH, TURNS[0])
    assert objective.labels.tolist() == [1]
    assert objective.finished(REDDISH, TURNS[1])
    assert objective.labels.tolist() == [0]
    # A photo that reached its target keeps it.
    assert not objective.finished(REDDISH.flip(1), TURNS[1])
    assert objective.labels.tolist() == [0]


@pytest.mark.parametrize("aim", ["unlikely", "random", "least", "away"])
def test_every_aim_changes_what_is_read(aim: Aim) -> None:
    protector = SceneProtector(pixels_classifier(), torch.Generator().manual_seed(1), rule="published", aim=aim)
    _, cloaked = finish(protector.protect(REDDISH, Budget(0.3, 60)))
    (verdict,) = about_scene(protector.classifier).verdicts(REDDISH, cloaked.images)
    assert verdict.protected
    assert verdict.before == ("red",)
    if aim in ("unlikely", "least"):
        assert verdict.after == ("blue",)


@pytest.mark.parametrize("rule", ["published", "shaped"])
@given(levels=st.integers(1, 24), seed=st.integers(0, 1000), steps=st.integers(1, 14))
@settings(max_examples=25)
def test_the_budget_holds_on_the_levels_of_a_file(rule: Rule, levels: int, seed: int, steps: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    originals = (torch.rand(2, 3, 5, 4, generator=generator) * 255).round() / 255
    protector = SceneProtector(pixels_classifier(), generator, 0.9, rule)
    _, cloaked = finish(protector.protect(originals, Budget(levels / 255, steps)))
    assert ((cloaked.images - originals) * 255).round().abs().max() <= levels
    assert torch.equal((cloaked.images * 255).round() / 255, cloaked.images)


def test_distance_from_the_uniform_distribution() -> None:
    assert distance_from_uniform([0, 1, 2, 0, 1, 2], 3) == 0
    assert distance_from_uniform([0, 0], 2) == pytest.approx(0.5**0.5)
