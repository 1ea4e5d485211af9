"""Tests the loss of protective perturbations: its gradient, and what it rewards."""

import pytest
import torch
from torch import Tensor

from protectors.quality import ssim, ssim_of
from protectors.training.visual_loss import Weights, loss
from protectors.visual import unread

LABELS = torch.tensor([0, 2])


def logits(seed: int) -> Tensor:
    return torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed), requires_grad=True)


@pytest.mark.parametrize("helped", [True, False])
def test_gradient(helped: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    originals = torch.rand(2, 3, 4, 5, dtype=torch.float64, generator=generator)
    perturbed = torch.rand(2, 3, 4, 5, dtype=torch.float64, generator=generator).requires_grad_(True)

    def of(perturbed: Tensor, target: Tensor, auxiliary: Tensor) -> Tensor:
        return loss(originals, perturbed, target, auxiliary if helped else None, LABELS, Weights())

    assert torch.autograd.gradcheck(of, (perturbed, logits(1), logits(2)), atol=1e-4)


def test_unread_is_the_probability_that_is_left() -> None:
    values = logits(3)
    label_probability = torch.softmax(values, 1).gather(1, LABELS[:, None])[:, 0]
    assert torch.allclose(unread(values, LABELS), -torch.log(1 - label_probability))


def test_an_auxiliary_model_that_reads_the_class_costs_more() -> None:
    images = torch.rand(2, 3, 12, 12)
    right = 8 * torch.nn.functional.one_hot(LABELS, 3).float()
    reading, blind = (loss(images, images, right, auxiliary, LABELS, Weights()) for auxiliary in (right, -right))
    assert reading > blind + 5


def test_the_differentiable_similarity_is_that_of_files() -> None:
    pixels = torch.randint(0, 256, (2, 3, 40, 30), generator=torch.Generator().manual_seed(4))
    other = (pixels + torch.randint(-20, 21, pixels.shape, generator=torch.Generator().manual_seed(5))).clamp(0, 255)
    expected = [
        ssim(*(image.permute(1, 2, 0).to(torch.uint8).numpy() for image in pair)) for pair in zip(pixels, other, strict=True)
    ]
    assert ssim_of(pixels.float() / 255, other.float() / 255).tolist() == pytest.approx(expected, abs=1e-4)
