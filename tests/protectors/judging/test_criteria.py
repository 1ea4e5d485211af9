"""Tests each criterion on readings written by hand."""

import pytest
import torch

from protectors.adversaries.reading import Reading
from protectors.judging.criteria import Criterion, LooksUnlike, NothingFound, NotRetrieved, ReadAsAnother

PEOPLE, CARS, BOTH, NOTHING = Reading(("person", "person")), Reading(("car",)), Reading(("car", "person")), Reading()


@pytest.mark.parametrize(
    ("criterion", "before", "after", "met"),
    [
        (NothingFound(), BOTH, NOTHING, True),
        (NothingFound(), BOTH, CARS, False),
        (NothingFound(), NOTHING, NOTHING, True),
        (NothingFound(("person",)), BOTH, CARS, True),
        (NothingFound(("person",)), CARS, BOTH, False),
        (ReadAsAnother(), CARS, PEOPLE, True),
        (ReadAsAnother(), CARS, BOTH, False),
        (NotRetrieved(), CARS, PEOPLE, True),
        (NotRetrieved(), PEOPLE, BOTH, False),
        (ReadAsAnother() & NothingFound(("person",)), PEOPLE, CARS, True),
        (ReadAsAnother() & NothingFound(("person",)), PEOPLE, BOTH, False),
        (ReadAsAnother() & NothingFound(("person",)), CARS, CARS, False),
    ],
)
def test_a_network_is_fooled_or_not(criterion: Criterion, before: Reading, after: Reading, met: bool) -> None:
    assert criterion.is_met(before, after) is met


def test_pictures_are_compared_where_there_are_any() -> None:
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    other = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert LooksUnlike(0.3).is_met(Reading(seen=picture), Reading(seen=other))
    assert not LooksUnlike(0.3).is_met(Reading(seen=picture), Reading(seen=picture))
    with pytest.raises(ValueError, match="pictures"):
        LooksUnlike(0.3).is_met(PEOPLE, PEOPLE)
