"""Running means of the lengths of the networks' gradients, by which all networks have the same weight in a training."""

import json

from torch import Tensor

KEPT = 0.98
"""Share of the mean that a new gradient leaves."""


class GradientLengths:
    """The mean length of each network's gradient so far.

    Divided by its own length, a gradient of a photo that fools a network would count as much as any other. Divided by the
    network's mean, it counts less, and no network outweighs the others.
    """

    def __init__(self, told: str = "{}") -> None:
        """Begin with what ``str`` of an earlier instance told."""
        self._means: dict[str, float] = json.loads(told)

    def __str__(self) -> str:
        return json.dumps(self._means)

    def scaled(self, network: str, gradient: Tensor) -> Tensor:
        """Return a network's gradient, divided by the mean length with this one included."""
        length = float(gradient.norm())
        mean = self._means.get(network, length)
        self._means[network] = KEPT * mean + (1 - KEPT) * length
        return gradient / max(self._means[network], 1e-12)
