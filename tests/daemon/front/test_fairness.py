"""Clients take turns."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from daemon.front.fairness import in_turns

CLIENTS = "abcd"
Waiting = list[tuple[str, int]]
waiting_lines = st.lists(st.sampled_from(CLIENTS)).map(lambda names: [(name, number) for number, name in enumerate(names)])


def ordered(waiting: Waiting, served: dict[str, int]) -> Waiting:
    return in_turns(waiting, lambda one: one[0], served)


def test_one_photo_does_not_wait_for_the_album_of_another() -> None:
    waiting = [("album", 1), ("album", 2), ("album", 3), ("one", 4)]
    assert ordered(waiting, {}) == [("album", 1), ("one", 4), ("album", 2), ("album", 3)]


def test_who_was_just_served_lets_the_other_first() -> None:
    assert ordered([("a", 1), ("b", 2)], {"a": 7, "b": 6}) == [("b", 2), ("a", 1)]


@given(waiting_lines, st.dictionaries(st.sampled_from(CLIENTS), st.integers(0, 9)))
def test_nothing_is_lost_and_each_keeps_their_own_order(waiting: Waiting, served: dict[str, int]) -> None:
    order = ordered(waiting, served)
    assert sorted(order) == sorted(waiting)
    for client in CLIENTS:
        of_client = [one for one in order if one[0] == client]
        assert of_client == sorted(of_client, key=lambda one: one[1])


@given(waiting_lines)
def test_among_those_who_wait_nobody_has_two_turns_more_than_another(waiting: Waiting) -> None:
    left = Counter(client for client, _ in waiting)
    turns = Counter(dict.fromkeys(left, 0))
    for client, _ in ordered(waiting, {}):
        turns[client] += 1
        left[client] -= 1
        still = [other for other in left if left[other]]
        assert all(turns[client] - turns[other] <= 1 for other in still)
