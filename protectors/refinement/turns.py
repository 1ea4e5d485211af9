"""Turns of the networks that a perturbation is refined against: those that are not fooled yet come more often."""

from collections.abc import Sequence

from protectors.refinement.objective import NetworkObjective

FOOLED_WAIT = 3
"""Times as long as others a network waits for its next turn that was fooled by the last view that it was shown."""


class Turns:
    """Whose turn it is. Each objective has its first turn in the order that they are given in."""

    def __init__(self, objectives: Sequence[NetworkObjective]) -> None:
        self._objectives = tuple(objectives)
        self._waiting = {number: len(self._objectives) - number for number in range(len(self._objectives))}
        self._is_reached: dict[int, bool] = {}

    @property
    def are_all_reached(self) -> bool:
        """Whether every network was fooled by the view that it was shown last."""
        return len(self._is_reached) == len(self._objectives) and all(self._is_reached.values())

    def next(self) -> NetworkObjective:
        """Return the objective that has waited longest, where the wait of one that is reached counts less."""
        return self._objectives[max(self._waiting, key=self._urgency)]

    def _urgency(self, number: int) -> tuple[bool, float]:
        is_reached = self._is_reached.get(number)
        return is_reached is None, self._waiting[number] / (FOOLED_WAIT if is_reached else 1)

    def note(self, objective: NetworkObjective, is_reached: bool) -> None:
        """Note what came of an objective's turn."""
        number = self._objectives.index(objective)
        self._is_reached[number] = is_reached
        for other in self._waiting:
            self._waiting[other] += 1
        self._waiting[number] = 0
