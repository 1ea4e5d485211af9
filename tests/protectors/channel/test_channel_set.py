"""Tests the views that a cloak is optimised for, and how many of them photos need."""

import numpy as np
import pytest
import skimage.data
import torch

from protectors.channel import sites
from protectors.channel.channel_set import AS_IT_IS, LARGE, UPLOADS, ChannelSet, expected, fitted, of_each
from protectors.channel.pipeline import Pipeline, of_site
from protectors.quality import as_pixels, as_tensor

PHOTOS = torch.cat([as_tensor(np.ascontiguousarray(skimage.data.astronaut()[top : top + 64, :80])) for top in (0, 100)])
TWO = ChannelSet(((Pipeline("harsh", 60), Pipeline("mild", 90)), (Pipeline("smaller", 80, scale=0.5),)))


def test_the_first_view_is_the_photo_and_each_step_meets_another_member() -> None:
    for step, quality in ((0, 60), (1, 90), (2, 60)):
        views = of_each(TWO.sampled_views(PHOTOS, step), 2)
        assert views.shape == (3, 2, 3, 64, 80)
        assert torch.equal(views[0], PHOTOS)
        assert torch.equal(views[1], Pipeline("any", quality).model(PHOTOS))


def test_views_may_take_turns() -> None:
    turns = ChannelSet(TWO.kinds, in_turn=True)
    assert [turns.active_views(step) for step in range(4)] == [(0,), (1,), (2,), (0,)]
    assert torch.equal(turns.sampled_views(PHOTOS, 0), PHOTOS)
    # Each view meets every member of its kind.
    for step, quality in ((1, 60), (4, 90), (7, 60)):
        assert torch.equal(turns.sampled_views(PHOTOS, step), Pipeline("any", quality).model(PHOTOS))


def test_what_the_stop_rule_reads_is_the_very_file_of_the_harshest() -> None:
    views = dict(TWO.exact_views(PHOTOS))
    for index in range(2):
        exact = Pipeline("any", 60).exact(as_pixels(PHOTOS[index, None]))
        assert torch.equal(views[1][index, None], as_tensor(exact))
    for view, alone in TWO.exact_views(PHOTOS[1:]):
        assert torch.equal(alone[0], views[view][1])


def test_where_views_take_turns_the_steps_own_is_made_first() -> None:
    turns = ChannelSet(TWO.kinds, in_turn=True)
    assert [[view for view, _ in turns.exact_views(PHOTOS, step)] for step in (0, 2, 4)] == [[0, 1, 2], [2, 0, 1], [1, 2, 0]]
    assert [view for view, _ in TWO.exact_views(PHOTOS, 2)] == [0, 1, 2]


def test_what_arrives_smaller_is_read_at_the_photos_size() -> None:
    assert fitted(PHOTOS[..., ::2, ::2], PHOTOS).shape == PHOTOS.shape
    assert fitted(PHOTOS, PHOTOS) is PHOTOS
    ((view, photos),) = AS_IT_IS.exact_views(PHOTOS)
    assert view == 0
    assert torch.equal(photos, PHOTOS)


@pytest.mark.parametrize(("longest", "channels"), [(300, UPLOADS), (700, UPLOADS), (1000, LARGE), (4000, LARGE)])
def test_a_small_photo_has_more_to_survive(longest: int, channels: ChannelSet) -> None:
    assert expected(longest, min(longest, 416)) is channels


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
