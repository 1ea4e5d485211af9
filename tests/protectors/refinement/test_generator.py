"""Tests the maps of the generator of instant cloaks, and that it is the manifest's."""

import pytest
import skimage.data
import torch

from protectors.quality import as_tensor
from protectors.refinement.field import PerturbationField
from protectors.refinement.generator import BLOCK, LARGEST, SIDE, load_generator, readable


@pytest.mark.parametrize(("height", "width"), [(512, 512), (375, 1000), (60, 900), (20, 30)])
def test_a_photo_of_any_size_is_read_at_one_size_in_whole_blocks(height: int, width: int) -> None:
    made = readable(torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0)))
    assert max(made.shape[2:]) == SIDE
    assert all(side % BLOCK == 0 and side >= BLOCK for side in made.shape[2:])


@torch.no_grad()
def test_the_maps_are_bounded_differ_by_photo_and_fit_the_field() -> None:
    generator = load_generator(torch.device("cpu"))
    photos = [as_tensor(pixels) for pixels in (skimage.data.astronaut(), skimage.data.coffee())]
    drawn = [generator(readable(photo)) for photo in photos]
    for photo, maps in zip(photos, drawn, strict=True):
        assert all(float(plane.abs().max()) <= LARGEST for plane in maps)
        field = PerturbationField(photo)
        sized = field.sized(field.resampled(maps), 0.5)
        assert [plane.shape for plane in sized] == [plane.shape for plane in field.nothing()]
        assert field.size(sized) == pytest.approx(0.5, rel=1e-4)
    again = generator(readable(photos[0]))
    assert torch.equal(again[0], drawn[0][0])
    assert not torch.allclose(drawn[0][0][..., :40, :40], drawn[1][0][..., :40, :40])
