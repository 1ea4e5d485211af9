"""Tests recessive images against encoders small enough to compute by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from protectors.adversaries.cifar_networks import NETWORKS
from protectors.adversaries.hash_encoder import HashEncoder
from protectors.base import Budget
from protectors.judging.question import about_search, ask
from protectors.search import LAMBDA, RULES, Published, Rule, SearchProtector
from tests.protectors.conftest import finish

BITS = 16


class Linear(nn.Module):
    """An encoder that is a matrix: every gradient is known."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(3 * 4 * 4, BITS, generator=torch.Generator().manual_seed(seed)))

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.matrix


def images(count: int = 3, seed: int = 1) -> Tensor:
    return (torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed)) * 255).round() / 255


def linear_encoder(seed: int = 0) -> HashEncoder:
    """Return an encoder of three classes, those of the three images above."""
    encoder = HashEncoder(f"linear{seed}", Linear(seed), ("one", "two", "three"), torch.zeros(3, BITS), 4)
    encoder.centres = encoder.codes(images())
    return encoder


def test_a_published_step_raises_the_wrong_label_by_lambda() -> None:
    encoder, originals = linear_encoder(), images()
    retrieved = encoder.scores(encoder.codes(originals)).argmax(1)
    objective = Published([encoder], originals, [(retrieved + 1) % 3])
    held = originals.clone().requires_grad_(True)
    before = objective.loss(held, 0)
    (gradient,) = torch.autograd.grad(before.sum(), held)
    after = objective.loss(originals - objective.update(gradient, 0), 1)
    # For a linear encoder, the first-order gain is exact.
    assert torch.allclose(before - after, torch.full((3,), LAMBDA), atol=1e-4)


@pytest.mark.parametrize("rule", RULES)
def test_another_label_is_retrieved(rule: Rule) -> None:
    encoder, originals = linear_encoder(), images()
    protector = SearchProtector([encoder], torch.Generator().manual_seed(0), rule)
    _, cloaked = finish(protector.protect(originals, Budget(0.5, 300)))
    verdicts = about_search(encoder).verdicts(originals, cloaked.images)
    assert [verdict.protected for verdict in verdicts] == [True] * 3
    assert all(verdict.before != verdict.after for verdict in verdicts)
    assert {verdict.adversary for verdict in verdicts} == {"linear0"}


def test_several_encoders_at_once_and_a_verdict_of_each() -> None:
    encoders, originals = [linear_encoder(0), linear_encoder(1)], images()
    protector = SearchProtector(encoders, torch.Generator().manual_seed(0))
    _, cloaked = finish(protector.protect(originals, Budget(0.5, 300)))
    verdicts = ask([about_search(encoder) for encoder in encoders], originals, cloaked.images)
    assert [(verdict.adversary, verdict.protected) for verdict in verdicts] == [("linear0", True), ("linear1", True)] * 3
    for encoder in encoders:
        assert ((encoder.codes(originals) != encoder.codes(cloaked.images)).float().mean(1) >= 0.5).all()


def test_an_unchanged_photo_is_not_protected() -> None:
    originals = images()
    assert not any(verdict.protected for verdict in about_search(linear_encoder()).verdicts(originals, originals))


@pytest.mark.parametrize("rule", RULES)
@given(levels=st.integers(1, 24), seed=st.integers(0, 1000), steps=st.integers(1, 6))
@settings(max_examples=25)
def test_the_budget_holds_on_the_levels_of_a_file(rule: Rule, levels: int, seed: int, steps: int) -> None:
    originals = images(2, seed)
    protector = SearchProtector([linear_encoder()], torch.Generator().manual_seed(seed), rule)
    _, cloaked = finish(protector.protect(originals, Budget(levels / 255, steps)))
    changes = ((cloaked.images - originals) * 255).round()
    assert changes.abs().max() <= levels
    assert torch.equal((cloaked.images * 255).round() / 255, cloaked.images)


@pytest.mark.parametrize("rule", RULES)
def test_a_batch_gives_what_single_images_give(rule: Rule) -> None:
    torch.manual_seed(0)
    encoder = HashEncoder("small", NETWORKS["resnet18"](BITS, 0.0625), ("one", "two", "three"), torch.randn(3, BITS), 32)
    originals = torch.rand(2, 3, 32, 32)
    wrong = (encoder.read(originals) + 1) % 3
    for step in range(2):
        together = RULES[rule]([encoder], originals, [wrong])
        held = originals.clone().requires_grad_(True)
        (gradients,) = torch.autograd.grad(together.loss(held, step).sum(), held)
        for index in range(2):
            alone = RULES[rule]([encoder], originals[index, None], [wrong[index, None]])
            image = originals[index, None].clone().requires_grad_(True)
            (gradient,) = torch.autograd.grad(alone.loss(image, step).sum(), image)
            assert torch.allclose(
                together.update(gradients, step)[index], alone.update(gradient, step)[0], rtol=1e-3, atol=1e-5
            )
        originals = originals * 0.9


def test_no_encoder_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one encoder"):
        SearchProtector([], torch.Generator())
