"""Schedules the networks that a perturbation is refined against: those that are not fooled yet come more often."""

from collections.abc import Sequence

from protectors.refinement.objective import NetworkObjective

FOOLED_WAIT = 3
"""Factor on the wait of a network that was fooled at its last turn."""


class Turns:
    """Chooses the objective of each step. First turns are taken in the given order."""

    def __init__(self, objectives: Sequence[NetworkObjective]) -> None:
        self._objectives = tuple(objectives)
        self._waiting = {number: len(self._objectives) - number for number in range(len(self._objectives))}
        self._is_reached: dict[int, bool] = {}

    @property
    def are_all_reached(self) -> bool:
        """Whether every network was fooled at its last turn."""
        return len(self._is_reached) == len(self._objectives) and all(self._is_reached.values())

    def next(self) -> NetworkObjective:
        """Return the objective that has waited longest; the wait of a reached one counts less."""
        return self._objectives[max(self._waiting, key=self._urgency)]

    def _urgency(self, number: int) -> tuple[bool, float]:
        is_reached = self._is_reached.get(number)
        return is_reached is None, self._waiting[number] / (FOOLED_WAIT if is_reached else 1)

    def note(self, objective: NetworkObjective, is_reached: bool) -> None:
        """Note the result of an objective's turn."""
        number = self._objectives.index(objective)
        self._is_reached[number] = is_reached
        for other in self._waiting:
            self._waiting[other] += 1
        self._waiting[number] = 0
