"""Tests that calls beside each other are independent, keep their order, and make the same cloak."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
import torch

from protectors.lanes import LANES, side_by_side


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine of two cores, of which each call has one."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: LANES)


@pytest.mark.usefixtures("two_threads")
def test_calls_run_at_the_same_time_and_keep_their_order() -> None:
    meeting = threading.Barrier(LANES, timeout=30)

    def meet(number: int) -> int:
        meeting.wait()
        return number

    assert side_by_side([partial(meet, number) for number in range(2 * LANES)]) == list(range(2 * LANES))


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("is_needed", [True, False])
def test_gradients_are_kept_as_where_the_calls_come_from(is_needed: bool) -> None:
    weight = torch.ones(1, requires_grad=True)
    with torch.set_grad_enabled(is_needed):
        made = side_by_side([lambda: weight * 2] * 2)
    assert [one.requires_grad for one in made] == [is_needed] * 2


@pytest.mark.usefixtures("two_threads")
def test_an_error_is_raised_when_all_calls_have_ended() -> None:
    ended = threading.Event()

    def fail() -> None:
        raise ValueError("this photo")

    with pytest.raises(ValueError, match="this photo"):
        side_by_side([fail, ended.set])
    assert ended.is_set()


def test_one_thread_takes_one_call_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    here = threading.current_thread()
    calls: list[Callable[[], threading.Thread]] = [threading.current_thread] * 3
    assert side_by_side(calls) == [here] * 3


def test_each_lane_has_its_share_of_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", given.append)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 9)
    meeting = threading.Barrier(LANES, timeout=30)
    side_by_side([meeting.wait] * LANES)
    assert given == [9 // LANES] * LANES
