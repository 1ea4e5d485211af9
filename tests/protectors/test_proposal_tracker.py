"""Tests which proposals are pushed at each place, which places are quiet, and which view comes next."""

import torch

from protectors.adversaries.detector import Proposals
from protectors.proposal_tracker import FOREMOST, REMEMBERED, ProposalTracker

NOWHERE = Proposals(torch.zeros(0, 4))


def tracker(views: int = 2, images: int = 2) -> ProposalTracker:
    return ProposalTracker([NOWHERE] * (views * images), views, quiet_below=0.2)


def boxes(count: int, value: float = 0.0) -> Proposals:
    return Proposals(torch.full((count, 4), value))


def test_a_place_is_one_view_of_one_image() -> None:
    assert tracker(3, 2).places([0, 2]) == [0, 1, 4, 5]


def test_an_image_is_quiet_where_all_of_its_views_are() -> None:
    seen = tracker()
    assert seen.is_quiet([0]).tolist() == [False, False], "nobody has looked yet"
    for place, threat in ((0, 0.1), (1, 0.1), (2, 0.3)):
        seen.see(place, boxes(1), torch.tensor([threat]), push=False)
    seen.see(3, boxes(0), torch.zeros(0), push=False)
    assert seen.is_quiet([0]).tolist() == [True, True]
    assert seen.is_quiet([0, 1]).tolist() == [False, True]


def test_the_foremost_are_pushed_and_earlier_ones_remembered() -> None:
    seen = tracker(1, 1)
    for look in range(4):
        threats = torch.linspace(0, 1, FOREMOST + 10)
        fresh = Proposals(threats[:, None].repeat(1, 4) + look)
        seen.see(0, fresh, threats, push=True)
    (pushed,) = seen.pushed([0])
    assert len(pushed.boxes) == REMEMBERED == 3 * FOREMOST
    assert pushed.boxes[0, 0] == 3 + 1
    assert pushed.boxes[:FOREMOST, 0].min() > 3, "the last look comes first, without those that threaten least"
    assert pushed.boxes[-1, 0] > 1, "the first look is forgotten"
    seen.see(0, boxes(5), torch.zeros(5), push=False)
    assert len(seen.pushed([0])[0].boxes) == REMEMBERED


def test_the_next_view_is_the_first_that_is_not_quiet_or_was_not_looked_at_for_long() -> None:
    seen = tracker(3, 1)
    seen.see(0, boxes(1), torch.tensor([0.1]), push=False)
    assert seen.next_view(0) == 1
    for place in (1, 2):
        seen.see(place, boxes(1), torch.tensor([0.1]), push=False)
    assert [seen.next_view(step) for step in range(4)] == [0, 1, 2, 0], "all are quiet: in turn"
    for _ in range(3):
        seen.grow_older([2])
    assert seen.next_view(2) == 0, "the first that was not looked at for as many steps as there are views"
    seen.grow_older([0])
    assert seen.next_view(2) == 1
