"""Tests the shared loop: budget, 8-bit levels, stopping, progress and cancelling."""

import pytest
import torch
from torch import Tensor

from protectors.base import Budget
from protectors.optimisation import LAST_STEP, Descent, on_levels, optimise, settling, size_of, within
from tests.protectors.conftest import finish


class Brighten(Descent):
    """Brightens each image until its goal."""

    stage = "brighten"

    def __init__(self, goals: list[float], shrinks: bool = False) -> None:
        self.shrinks = shrinks
        self.goals = torch.tensor(goals)
        self.seen_by_finished: list[Tensor] = []

    def loss(self, images: Tensor, step: int) -> Tensor:
        return -images.mean((1, 2, 3))

    def finished(self, images: Tensor, step: int) -> Tensor:
        self.seen_by_finished.append(images)
        return images.mean((1, 2, 3)) >= self.goals

    def update(self, gradient: Tensor, step: int) -> Tensor:
        return 0.0123 * gradient.sign()


def test_stays_within_the_budget_and_on_8_bit_levels() -> None:
    originals = on_levels(torch.rand(2, 3, 6, 5, generator=torch.Generator().manual_seed(0)))
    seen, cloaked = finish(optimise(originals, Brighten([2.0, 2.0]), Budget(8 / 255, 30)))
    assert (cloaked.images - originals).abs().max() <= 8 / 255 + 1e-6
    torch.testing.assert_close(cloaked.images * 255, (cloaked.images * 255).round(), atol=1e-4, rtol=0)
    assert cloaked.images.max() <= 1
    assert cloaked.steps == (30, 30)
    assert [progress.done for progress in seen] == list(range(1, 31))
    assert {(progress.stage, progress.total) for progress in seen} == {("brighten", 30)}


def test_a_finished_image_stands_still_while_others_go_on() -> None:
    originals = torch.full((2, 3, 4, 4), 0.4)
    _, cloaked = finish(optimise(originals, Brighten([0.42, 0.47]), Budget(40 / 255, 30)))
    first, second = cloaked.images.mean((1, 2, 3)).tolist()
    assert 0.42 <= first < 0.44
    assert 0.47 <= second < 0.49
    assert cloaked.steps[0] < cloaked.steps[1] < 30


def test_finished_before_the_first_step_means_no_step() -> None:
    originals = on_levels(torch.full((1, 3, 4, 4), 0.4))
    seen, cloaked = finish(optimise(originals, Brighten([0.1]), Budget(8 / 255, 5)))
    assert seen == []
    assert cloaked.steps == (0,)
    assert torch.equal(cloaked.images, originals)


def test_the_stop_rule_sees_8_bit_levels() -> None:
    objective = Brighten([2.0])
    finish(optimise(torch.full((1, 3, 4, 4), 0.4321), objective, Budget(8 / 255, 3)))
    for images in objective.seen_by_finished:
        torch.testing.assert_close(images, on_levels(images))


def test_a_shrinking_change_ends_smaller_and_still_finished() -> None:
    """Only one channel has a gradient, so the perturbation of the others by coarse steps is removed again."""

    class Redden(Brighten):
        def loss(self, images: Tensor, step: int) -> Tensor:
            return -images[:, 0].mean((1, 2))

        def finished(self, images: Tensor, step: int) -> Tensor:
            return images[:, 0].mean((1, 2)) >= self.goals

        def update(self, gradient: Tensor, step: int) -> Tensor:
            return 0.0123 * gradient.sign() if step > 5 else torch.full_like(gradient, -0.0123)

    originals = torch.full((2, 3, 4, 4), 0.4)
    goals = [0.42, 0.47]
    (_, coarse), (_, fine) = (
        finish(optimise(originals, Redden(goals, shrinks), Budget(40 / 255, 40))) for shrinks in (False, True)
    )
    assert coarse.steps == fine.steps
    assert Redden(goals).finished(fine.images, 0).all()
    assert (size_of(fine.images - originals) < 0.8 * size_of(coarse.images - originals)).all()
    for index in range(2):
        _, alone = finish(optimise(originals[:1], Redden(goals[index : index + 1], True), Budget(40 / 255, 40)))
        assert torch.equal(alone.images[0], fine.images[index])


def test_a_sparing_budget_spends_where_less_is_noticed() -> None:
    originals = torch.full((1, 3, 16, 16), 0.5)
    # One half has high contrast, and the other is flat.
    originals[:, :, :, 8:] += 0.2 * (torch.rand(1, 1, 16, 8, generator=torch.Generator().manual_seed(0)) - 0.5)
    changes = []
    for noticeable in (None, 10.0):
        objective = Brighten([0.51], shrinks=True)
        objective.update = lambda gradient, step: 0.02 * gradient / gradient.abs().amax()  # type: ignore[method-assign]
        _, cloaked = finish(optimise(originals, objective, Budget(40 / 255, 40, noticeable)))
        assert objective.finished(cloaked.images, 0).all()
        changes.append((cloaked.images - originals).abs())
    plain, spared = changes
    assert spared[..., 9:15].mean() > 1.5 * spared[..., 1:6].mean()
    assert plain[..., 9:15].mean() == pytest.approx(float(plain[..., 1:6].mean()), rel=0.2)


def test_a_run_goes_on_from_where_an_earlier_one_came_to() -> None:
    originals = torch.full((2, 3, 4, 4), 0.4)
    _, first = finish(optimise(originals, Brighten([0.45, 0.45]), Budget(30 / 255, 30)))
    _, second = finish(optimise(originals, Brighten([0.44, 0.48]), Budget(30 / 255, 30), first.unrounded))
    assert torch.equal(second.images[0], first.images[0])
    assert second.steps[0] == 0
    _, afresh = finish(optimise(originals, Brighten([0.44, 0.48]), Budget(30 / 255, 30)))
    assert 0 < second.steps[1] < afresh.steps[1]


def test_steps_settle_only_where_the_change_is_bounded() -> None:
    plain, bounded = Budget(8 / 255, 20), Budget(8 / 255, 20, 0.5)
    assert {settling(step, plain) for step in range(30)} == {1.0}
    paces = [settling(step, bounded) for step in range(30)]
    assert paces[0] == 1.0
    assert paces == sorted(paces, reverse=True)
    assert paces[20:] == pytest.approx([LAST_STEP] * 10)


def test_what_is_delivered_is_what_was_found_rounded() -> None:
    originals = on_levels(torch.rand(2, 3, 6, 5, generator=torch.Generator().manual_seed(0)))
    _, cloaked = finish(optimise(originals, Brighten([0.51, 2.0]), Budget(8 / 255, 10)))
    assert torch.equal(on_levels(cloaked.unrounded), cloaked.images)
    assert not torch.equal(cloaked.unrounded, cloaked.images)


def test_closing_cancels() -> None:
    objective = Brighten([2.0])
    run = optimise(torch.zeros(1, 3, 4, 4), objective, Budget(1.0, 1000))
    next(run)
    run.close()
    assert len(objective.seen_by_finished) == 1
    with pytest.raises(StopIteration):
        next(run)


@pytest.mark.parametrize(("radius", "steps"), [(0.0, 5), (1.5, 5), (0.1, 0)])
def test_senseless_budgets_are_refused(radius: float, steps: int) -> None:
    with pytest.raises(ValueError, match=r"radius|step"):
        Budget(radius, steps)


def test_within_never_leaves_the_range() -> None:
    originals = torch.tensor([0.0, 1.0, 0.5]).view(1, 3, 1, 1)
    assert within(originals - 1, originals, 0.1).flatten().tolist() == pytest.approx([0.0, 0.9, 0.4])
    assert within(originals + 1, originals, 0.1).flatten().tolist() == pytest.approx([0.1, 1.0, 0.6])
