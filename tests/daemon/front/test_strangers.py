"""Evictions when there are too many strangers: the slowest goes first, and never somebody whose handshake proceeds."""

import asyncio
import subprocess
import sys

import pytest

from daemon.front.descriptors import most_strangers
from daemon.front.strangers import Strangers


class Crowd:
    """Strangers by name, and who was sent away."""

    def __init__(self, most: int, seconds: float = 60.0, held: int = 1000) -> None:
        self.strangers = Strangers(most, seconds, held)
        self.expelled: list[str] = []
        self.late: list[str] = []

    def enter(self, *names: str) -> None:
        for name in names:
            self.strangers.enter(name, lambda name=name: self.expelled.append(name), lambda name=name: self.late.append(name))  # type: ignore[misc]


async def test_the_oldest_makes_room() -> None:
    crowd = Crowd(2)
    crowd.enter("a", "b", "c")
    assert crowd.expelled == ["a"]
    assert len(crowd.strangers) == 2


async def test_who_took_a_step_stays_longer_than_who_only_came() -> None:
    crowd = Crowd(3)
    crowd.enter("ours", "b", "c")
    crowd.strangers.step("ours")
    crowd.enter("d", "e")
    assert crowd.expelled == ["b", "c"]
    crowd.strangers.leave("ours")
    crowd.strangers.step("ours")
    assert len(crowd.strangers) == 2, "who has left does not come back by a step"


async def test_bytes_that_are_no_step_keep_nobody_in() -> None:
    crowd = Crowd(2)
    crowd.enter("dribbles", "ours")
    for size in range(1, 50):
        crowd.strangers.hold("dribbles", size)
    crowd.enter("c")
    assert crowd.expelled == ["dribbles"]


async def test_what_they_hold_together_is_bounded() -> None:
    crowd = Crowd(10, held=100)
    crowd.enter("a", "b", "c")
    for name in "abc":
        crowd.strangers.hold(name, 30)
    crowd.strangers.hold("a", 40)
    assert crowd.expelled == []
    crowd.strangers.hold("c", 31)
    assert crowd.expelled == ["a"]
    crowd.strangers.hold("b", 60)
    assert crowd.expelled == ["a"], "what the one who went had held is free again"
    crowd.strangers.leave("b")
    crowd.enter("d")
    crowd.strangers.hold("d", 69)
    assert crowd.expelled == ["a"]


async def test_bytes_push_out_only_those_who_hold_some() -> None:
    crowd = Crowd(10, held=100)
    crowd.enter("ours", "a", "b", "c")
    crowd.strangers.hold("ours", 20)
    crowd.strangers.hold("ours", 0)
    for name in "abc":
        crowd.strangers.hold(name, 50)
    crowd.strangers.hold("b", 101)
    assert crowd.expelled == ["a", "b"]
    assert len(crowd.strangers) == 2


@pytest.mark.parametrize("leaves", [False, True])
async def test_time_runs_out_for_who_stays(leaves: bool) -> None:
    crowd = Crowd(2, seconds=0.01)
    crowd.enter("a")
    if leaves:
        crowd.strangers.leave("a")
    await asyncio.sleep(0.05)
    assert crowd.late == ([] if leaves else ["a"])


async def test_all_go_at_the_end() -> None:
    crowd = Crowd(5)
    crowd.enter("a", "b")
    crowd.strangers.expel_all()
    assert crowd.expelled == ["a", "b"]
    assert len(crowd.strangers) == 0


@pytest.mark.parametrize(("may", "most"), [(256, 64), (512, 320), (1024, 832), (8192, 4096), (100_000, 4096)])
def test_strangers_leave_descriptors_for_others(monkeypatch: pytest.MonkeyPatch, may: int, most: int) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (may, may))
    assert most_strangers() == most


def test_more_descriptors_are_asked_for_as_far_as_they_may_be_had() -> None:
    program = (
        "import resource; from daemon.front.descriptors import ask_for_more; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1000)); "
        "ask_for_more(); print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    pytest.importorskip("resource")
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert found.split() == ["1000", "1000"]
