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
    for first in (0, 2):
        assert turns.next(2) == objectives[first : first + 2]
        assert not turns.are_all_reached
        turns.note([(objective, True) for objective in turns.next(2)])
    assert turns.are_all_reached


def test_networks_that_are_not_fooled_come_more_often_and_none_is_forgotten() -> None:
    objectives = [Named(name) for name in "abcd"]
    turns, taken = Turns(objectives), Counter[str]()
    for _ in range(60):
        chosen = turns.next(2)
        taken.update(objective.name for objective in chosen)
        turns.note([(objective, objective.name != "c") for objective in chosen])
    assert taken["c"] > 1.5 * max(taken[name] for name in "abd")
    assert min(taken.values()) >= 12


def test_without_difference_turns_are_even() -> None:
    objectives = [Named(name) for name in "abc"]
    turns, taken = Turns(objectives), []
    for _ in range(6):
        chosen = turns.next(2)
        taken += [objective.name for objective in chosen]
        turns.note([(objective, False) for objective in chosen])
    assert Counter(taken) == {"a": 4, "b": 4, "c": 4}


def test_a_single_network_has_every_turn_and_is_fooled_only_in_all_its_views() -> None:
    only = Named("a")
    turns = Turns([only])
    assert turns.next(2) == [only, only]
    turns.note([(only, True), (only, False)])
    assert not turns.are_all_reached
    turns.note([(only, True), (only, True)])
    assert turns.are_all_reached


def test_an_aim_is_differentiable() -> None:
    view = torch.zeros(1, requires_grad=True)
    (gradient,) = torch.autograd.grad(Named("a").aim(view).loss, view)
    assert float(gradient) == 1
