"""Tests the size, the limits and the gradients of a perturbation field."""

import torch

from protectors.perception import VisibilityModel
from protectors.refinement.field import LARGEST_COLOUR_UNIT, PerturbationField, StepMemory


def photo(height: int = 48, width: int = 64) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))


def test_no_perturbation_leaves_the_photo_as_it_is() -> None:
    field = PerturbationField(photo())
    torch.testing.assert_close(field.cloaked(field.nothing()), photo())
    assert field.size(field.nothing()) == 0


def test_maps_are_half_and_a_quarter_of_the_photo() -> None:
    brightness, colour = PerturbationField(photo(50, 70)).nothing()
    assert brightness.shape == (1, 1, 25, 35)
    assert colour.shape == (1, 2, 12, 17)


def test_a_perturbation_of_brightness_is_grey_and_one_unit_large() -> None:
    field = PerturbationField(photo())
    brightness, colour = field.nothing()
    made = field.perturbation((brightness + 1, colour))
    unit = VisibilityModel(photo()).unit
    torch.testing.assert_close(made, unit.expand_as(made))


def test_colour_is_bounded_where_textures_would_hide_brightness() -> None:
    field = PerturbationField(photo())
    brightness, colour = field.nothing()
    made = field.perturbation((brightness, colour + torch.tensor([0.0, 1.0]).view(1, 2, 1, 1)))
    assert float(made[:, 0].max()) <= 1.402 * LARGEST_COLOUR_UNIT + 1e-6
    # Its brightness is zero.
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    assert float((made * weights).sum(1).abs().max()) < 1e-4


def test_maps_that_are_too_large_are_made_smaller_and_others_left() -> None:
    field = PerturbationField(photo())
    brightness, colour = field.nothing()
    large = field.limited((brightness + 3, colour), 0.5)
    assert abs(field.size(large) - 0.5) < 1e-5
    small = (brightness + 0.1, colour)
    assert torch.equal(field.limited(small, 0.5)[0], small[0])


def test_a_step_is_as_long_as_it_was_asked_for_and_remembers_the_last_one() -> None:
    memory = StepMemory(0.8)
    first = (torch.randn(1, 1, 8, 8), torch.randn(1, 2, 4, 4))
    brightness, _ = memory.step(first, 0.2)
    assert abs(float(brightness.square().mean().sqrt()) - 0.2) < 0.02
    again, _ = memory.step((torch.zeros(1, 1, 8, 8), torch.zeros(1, 2, 4, 4)), 0.2)
    torch.testing.assert_close(again, brightness, rtol=0.05, atol=0.02)
