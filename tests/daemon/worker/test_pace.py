"""How far a photo is said to be, over the stages that it goes through."""

from collections.abc import Generator

import pytest

from daemon.worker.pace import WHOLE, Pace
from protectors.manifest import ModelSet
from protectors.names import Strength
from protectors.policy import Policy
from protectors.progress import Progress
from tests.protectors.conftest import finish

PIXELS = 300_000

STAGES = [
    ("decode", 0, 1),
    ("reading", 0, 3),
    ("objects", 1, 25),
    ("scene", 13, 25),
    ("reading", 0, 1),
    ("objects", 25, 25),
    ("quality", 0, 7),
    ("quality", 3, 7),
    ("encode", 0, 1),
    ("judge", 0, 1),
]


def told(
    stages: list[tuple[str, int, int]],
    models: ModelSet,
    strength: Strength,
    pixels: int = PIXELS,
    protectors: tuple[str, ...] = ("objects",),
) -> list[int]:
    def run() -> Generator[Progress, None, str]:
        for stage in stages:
            yield Progress(*stage)
        return "done"

    seen, result = finish(Pace(models, Policy(protectors, strength), pixels).whole(run()))
    assert result == "done"
    assert {progress.total for progress in seen} == {WHOLE}
    assert [progress.stage for progress in seen] == [stage for stage, _, _ in stages]
    return [progress.done for progress in seen]


@pytest.mark.parametrize("models", ["embedded", "pretrained"])
def test_a_photo_only_ever_gets_further_and_is_never_said_to_be_done(models: ModelSet) -> None:
    shares = told(STAGES, models, "balanced")
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert len(set(shares)) >= 7
    assert shares[-1] < WHOLE


def test_steps_take_most_of_the_time_where_there_are_any_and_none_where_not() -> None:
    balanced = told([("objects", 25, 25), ("quality", 0, 7)], "pretrained", "balanced")
    small, large = (told([("quality", 7, 7)], "pretrained", "instant", pixels)[0] for pixels in (PIXELS, 12_000_000))
    assert balanced == [780, 780]
    assert small < large < balanced[0]


def test_the_first_steps_bring_more_since_many_photos_need_no_others() -> None:
    shares = told([("objects", step, 22) for step in range(23)], "pretrained", "balanced")
    # Measured: a photo that ends after six steps is then at 0.62 of its time, one that takes all of them at 0.24.
    assert (shares[6], shares[22]) == (423, 780)
    large = told([("objects", step, 22) for step in range(23)], "pretrained", "balanced", 12_000_000)
    assert large[22] < shares[22], "a large photo is fitted for longer"


def test_visual_is_one_loop_whichever_networks_there_are() -> None:
    stages = [("visual-a", 5, 10), ("quality", 0, 1)]
    assert told(stages, "pretrained", "instant", protectors=("visual",)) == told(stages, "embedded", "instant") == [350, 700]


def test_a_total_of_nothing_is_nothing_and_more_than_all_is_all() -> None:
    assert told([("objects", 3, 0), ("quality", 9, 6)], "embedded", "balanced") == [0, 950]


def test_a_run_that_is_not_gone_on_with_is_closed() -> None:
    closed = []

    def run() -> Generator[Progress, None, None]:
        try:
            yield Progress("decode", 0, 1)
            yield Progress("judge", 0, 1)
        finally:
            closed.append(True)

    walk = Pace("embedded", Policy(), PIXELS).whole(run())
    next(walk)
    walk.close()
    assert closed
