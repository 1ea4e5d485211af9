"""P-FGSM: how targets are drawn, and that the embedded classifier is fooled."""

import collections

import numpy as np
import pytest
import skimage.data
import torch
from numpy.typing import NDArray

from protectors.adversaries.classifier import Classifier
from protectors.base import Budget
from protectors.cloak import Cloakroom, Policy
from protectors.quality import as_tensor, psnr
from protectors.scene import SceneProtector, draw_targets
from tests.protectors.conftest import finish


def test_targets_come_from_beyond_the_cumulative_probability() -> None:
    probabilities = torch.tensor([[0.005, 0.90, 0.003, 0.085, 0.006, 0.001]]).repeat(3000, 1)
    drawn = collections.Counter(draw_targets(probabilities, torch.Generator().manual_seed(0)).tolist())
    # 0.90 + 0.085 + 0.006 reaches 0.99: classes 1, 3 and 4 are likely, the others are drawn evenly.
    assert set(drawn) == {0, 2, 5}
    assert min(drawn.values()) > 850


def test_where_all_classes_are_likely_the_least_likely_is_the_target() -> None:
    probabilities = torch.tensor([[0.3, 0.25, 0.2, 0.25]])
    assert draw_targets(probabilities, torch.Generator()).tolist() == [2]


def test_targets_cannot_be_foretold() -> None:
    probabilities = torch.softmax(torch.linspace(8, 0, 100), 0)[None].repeat(50, 1)
    first, second = (draw_targets(probabilities, torch.Generator().manual_seed(seed)) for seed in (1, 2))
    assert not torch.equal(first, second)


def test_without_a_seed_every_photo_has_its_own(cloakroom: Cloakroom) -> None:
    seeds = set()
    for _ in range(4):
        (protector,) = cloakroom._protectors(Policy(("scene",)), None)
        assert isinstance(protector, SceneProtector)
        seeds.add(protector.generator.initial_seed())
    assert len(seeds) == 4


@pytest.mark.parametrize("name", ["coffee", "astronaut", "rocket"])
def test_the_scene_read_changes(classifier: Classifier, name: str) -> None:
    pixels: NDArray[np.uint8] = getattr(skimage.data, name)()
    originals = as_tensor(pixels)
    protector = SceneProtector(classifier, torch.Generator().manual_seed(0))
    _, outcome = finish(protector.protect(originals, Budget(8 / 255, 40)))
    (verdict,) = protector.judge(originals, outcome.images)
    assert verdict.protected
    assert verdict.before != verdict.after
    assert psnr(pixels, (outcome.images[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()) > 30


def test_a_margin_makes_the_reading_surer(classifier: Classifier, portrait: NDArray[np.uint8]) -> None:
    originals = as_tensor(portrait)
    leads = []
    for margin in (0.0, 0.6):
        protector = SceneProtector(classifier, torch.Generator().manual_seed(0), margin)
        _, outcome = finish(protector.protect(originals, Budget(8 / 255, 40)))
        first, second = classifier.read(outcome.images)[0].topk(2).values.tolist()
        leads.append(first - second)
    assert leads[1] > 0.6
    assert leads[1] > leads[0]
