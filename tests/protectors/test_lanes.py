"""Tests that calls beside each other are independent, keep their order, and make the same cloak."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch

from protectors.lanes import LANES, side_by_side

SHARES = """
import sys, threading, torch
from protectors.lanes import LANES, side_by_side
torch.set_num_threads(int(sys.argv[1]))
meeting = threading.Barrier(LANES)
def share():
    meeting.wait()
    return torch.get_num_threads()
print(*side_by_side([share] * LANES), torch.get_num_threads())
later = threading.Thread(target=lambda: print(torch.get_num_threads()))
later.start()
later.join()
"""
"""A program, since threads keep the share that they began with. It prints that of the lanes, its own and a new thread's."""


@pytest.fixture
def two_threads() -> Iterator[None]:
    """As on a machine of two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(LANES)
    yield
    torch.set_num_threads(before)


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
    has_failed, ended = threading.Event(), threading.Event()

    def fail() -> None:
        has_failed.set()
        raise ValueError("this photo")

    def end_later() -> None:
        has_failed.wait(30)
        time.sleep(0.2)
        ended.set()

    with pytest.raises(ValueError, match="this photo"):
        side_by_side([fail, end_later])
    assert ended.is_set()


@pytest.mark.usefixtures("two_threads")
def test_a_gpu_takes_one_call_after_the_other() -> None:
    here = threading.current_thread()
    assert side_by_side([threading.current_thread] * 2, torch.device("mps")) == [here] * 2


def test_one_thread_takes_one_call_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    here = threading.current_thread()
    calls: list[Callable[[], threading.Thread]] = [threading.current_thread] * 3
    assert side_by_side(calls) == [here] * 3


@pytest.mark.parametrize("threads", [2, 5])
def test_each_lane_has_its_share_of_the_threads_and_later_threads_have_all(threads: int) -> None:
    command = [sys.executable, "-c", SHARES, str(threads)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert finished.stdout.split() == [str(threads // LANES)] * LANES + [str(threads)] * 2
