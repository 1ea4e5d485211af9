"""What a cloak is optimised for, and which photos need how much of it."""

import numpy as np
import pytest
import skimage.data
import torch

from protectors.channel import sites
from protectors.channel.family import AS_IT_IS, LARGE, UPLOADS, Family, expected, fitted, of_each
from protectors.channel.pipeline import Pipeline, of_site
from protectors.quality import as_pixels, as_tensor

PHOTOS = torch.cat([as_tensor(np.ascontiguousarray(skimage.data.astronaut()[top : top + 64, :80])) for top in (0, 100)])
TWO = Family(((Pipeline("harsh", 60), Pipeline("mild", 90)), (Pipeline("smaller", 80, scale=0.5),)))


def test_the_first_form_is_the_photo_and_each_step_meets_another_member() -> None:
    for step, quality in ((0, 60), (1, 90), (2, 60)):
        forms = of_each(TWO.drawn(PHOTOS, step), 2)
        assert forms.shape == (3, 2, 3, 64, 80)
        assert torch.equal(forms[0], PHOTOS)
        assert torch.equal(forms[1], Pipeline("any", quality).model(PHOTOS))


def test_forms_may_take_turns() -> None:
    turns = Family(TWO.kinds, in_turn=True)
    assert [turns.looked_at(step) for step in range(4)] == [(0,), (1,), (2,), (0,)]
    assert torch.equal(turns.drawn(PHOTOS, 0), PHOTOS)
    # Each form meets every member of its kind.
    for step, quality in ((1, 60), (4, 90), (7, 60)):
        assert torch.equal(turns.drawn(PHOTOS, step), Pipeline("any", quality).model(PHOTOS))


def test_what_is_asked_is_the_very_file_of_the_harshest() -> None:
    asked = dict(TWO.asked(PHOTOS))
    for index in range(2):
        exact = Pipeline("any", 60).exact(as_pixels(PHOTOS[index, None]))
        assert torch.equal(asked[1][index, None], as_tensor(exact))
    for form, alone in TWO.asked(PHOTOS[1:]):
        assert torch.equal(alone[0], asked[form][1])


def test_where_forms_take_turns_the_steps_own_is_asked_first() -> None:
    turns = Family(TWO.kinds, in_turn=True)
    assert [[form for form, _ in turns.asked(PHOTOS, step)] for step in (0, 2, 4)] == [[0, 1, 2], [2, 0, 1], [1, 2, 0]]
    assert [form for form, _ in TWO.asked(PHOTOS, 2)] == [0, 1, 2]


def test_what_arrives_smaller_is_read_at_the_photos_size() -> None:
    assert fitted(PHOTOS[..., ::2, ::2], PHOTOS).shape == PHOTOS.shape
    assert fitted(PHOTOS, PHOTOS) is PHOTOS
    ((form, photos),) = AS_IT_IS.asked(PHOTOS)
    assert form == 0
    assert torch.equal(photos, PHOTOS)


@pytest.mark.parametrize(("longest", "family"), [(300, UPLOADS), (700, UPLOADS), (1000, LARGE), (4000, LARGE)])
def test_a_small_photo_has_more_to_survive(longest: int, family: Family) -> None:
    assert expected(longest, min(longest, 416)) is family


def test_the_sites_channels_by_name() -> None:
    assert {"bluesky", "instagram", "whatsapp"} <= set(sites.names())
    instagram = sites.known("instagram")
    assert instagram is not None
    assert instagram.quality == 75
    assert sites.known("nowhere") is None
    assert sites.known(None) is None


@pytest.mark.parametrize("wrong", [{"encoding": "png"}, {"subsampling": "4:2:2"}])
def test_a_channel_that_is_not_known_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="can be"):
        of_site({"name": "odd", **wrong})
