"""Schedules the networks that a perturbation is refined against: those that are not fooled yet come more often."""

from collections.abc import Sequence

from protectors.refinement.objective import NetworkObjective

FOOLED_WAIT = 3
"""Factor on the wait of a network that was fooled at its last turn."""


class Turns:
    """Chooses the objectives of each step. First turns are taken in the given order."""

    def __init__(self, objectives: Sequence[NetworkObjective]) -> None:
        self._objectives = tuple(objectives)
        self._waiting = {number: len(self._objectives) - number for number in range(len(self._objectives))}
        self._taken = dict.fromkeys(self._waiting, 0)
        self._is_reached: dict[int, bool] = {}

    @property
    def are_all_reached(self) -> bool:
        """Whether every network was fooled at its last turn."""
        return len(self._is_reached) == len(self._objectives) and all(self._is_reached.values())

    def next(self, count: int) -> list[NetworkObjective]:
        """Return the objectives that have waited longest, where the wait of a reached one counts less.

        Ties go to the objective with the fewest turns. If there are fewer than ``count``, they are repeated.
        """
        order = sorted(self._waiting, key=self._urgency, reverse=True)
        return [self._objectives[order[place % len(order)]] for place in range(count)]

    def _urgency(self, number: int) -> tuple[bool, float, int]:
        is_reached = self._is_reached.get(number)
        return is_reached is None, self._waiting[number] / (FOOLED_WAIT if is_reached else 1), -self._taken[number]

    def note(self, results: Sequence[tuple[NetworkObjective, bool]]) -> None:
        """Record, for each objective that had a turn, whether its network was fooled."""
        for number in self._waiting:
            self._waiting[number] += 1
        for number, objective in enumerate(self._objectives):
            if met := [is_reached for other, is_reached in results if other is objective]:
                self._is_reached[number] = all(met)
                self._waiting[number] = 1
                self._taken[number] += 1
