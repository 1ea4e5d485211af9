"""Tests several objectives in one loop: none starves, and none undoes what another has reached."""

import pytest
import torch
from torch import Tensor

from protectors.base import Budget
from protectors.optimisation import Descent, optimise
from protectors.together import Together
from tests.protectors.conftest import finish


class Channel(Descent):
    """Brightens one colour until its mean reaches a goal; ``loud`` is the scale of the loss."""

    def __init__(self, channel: int, goal: float, loud: float = 1.0, shrinks: bool = False) -> None:
        self.stage = f"channel {channel}"
        self.channel, self.goal, self.loud, self.shrinks = channel, goal, loud, shrinks

    def loss(self, images: Tensor, step: int) -> Tensor:
        return -self.loud * images[:, self.channel].mean((1, 2))

    def finished(self, images: Tensor, step: int) -> Tensor:
        return images[:, self.channel].mean((1, 2)) >= self.goal

    def update(self, gradient: Tensor, step: int) -> Tensor:
        return 0.01 * gradient.sign()


ORIGINALS = torch.full((2, 3, 4, 4), 0.4)


def test_all_are_reached_however_loud_one_is() -> None:
    objective = Together([Channel(0, 0.45, loud=1000.0), Channel(1, 0.45, loud=0.001), Channel(2, 0.42)])
    _, cloaked = finish(optimise(ORIGINALS, objective, Budget(20 / 255, 60)))
    assert (cloaked.images.mean((2, 3)) >= torch.tensor([0.45, 0.45, 0.42])).all()
    assert max(cloaked.steps) < 60


def test_the_stage_is_that_of_the_first_still_open() -> None:
    seen, _ = finish(optimise(ORIGINALS, Together([Channel(0, 0.42), Channel(1, 0.47)]), Budget(30 / 255, 60)))
    assert list(dict.fromkeys(progress.stage for progress in seen)) == ["channel 0", "channel 1"]


def test_one_alone_is_as_without_the_others() -> None:
    (_, alone), (_, together) = (
        finish(optimise(ORIGINALS, objective, Budget(30 / 255, 60)))
        for objective in (Channel(0, 0.45), Together([Channel(0, 0.45)]))
    )
    assert torch.equal(alone.images, together.images)
    assert alone.steps == together.steps


def test_the_change_shrinks_only_where_all_can() -> None:
    assert Together([Channel(0, 1.0, shrinks=True), Channel(1, 1.0, shrinks=True)]).shrinks
    assert not Together([Channel(0, 1.0, shrinks=True), Channel(1, 1.0)]).shrinks


def test_no_objective_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Together([])
