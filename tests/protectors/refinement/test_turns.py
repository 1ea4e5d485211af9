"""Tests that every network has a first turn, and that those not fooled then come more often."""

from collections import Counter

import torch
from torch import Tensor

from protectors.refinement.objective import Aim, NetworkObjective
from protectors.refinement.turns import Turns


class Named(NetworkObjective):
    stage = "objects"

    def __init__(self, name: str) -> None:
        self.name = name

    def aim(self, view: Tensor) -> Aim:
        return Aim(view.sum(), False)


def test_each_network_has_its_first_turn_in_order() -> None:
    objectives = [Named(name) for name in "abcd"]
    turns = Turns(objectives)
    for objective in objectives:
        assert turns.next() is objective
        assert not turns.are_all_reached
        turns.note(objective, True)
    assert turns.are_all_reached


def test_networks_that_are_not_fooled_come_more_often_and_none_is_forgotten() -> None:
    objectives = [Named(name) for name in "abcd"]
    turns, taken = Turns(objectives), Counter[str]()
    for _ in range(60):
        objective = turns.next()
        taken[objective.name] += 1
        turns.note(objective, objective.name != "c")
    assert taken["c"] > 1.5 * max(taken[name] for name in "abd")
    assert min(taken.values()) >= 6


def test_without_difference_turns_are_even() -> None:
    objectives = [Named(name) for name in "abc"]
    turns, taken = Turns(objectives), []
    for _ in range(9):
        objective = turns.next()
        taken.append(objective.name)
        turns.note(objective, False)
    assert taken == list("abc") * 3


def test_an_aim_is_differentiable() -> None:
    view = torch.zeros(1, requires_grad=True)
    (gradient,) = torch.autograd.grad(Named("a").aim(view).loss, view)
    assert float(gradient) == 1
