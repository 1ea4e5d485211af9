"""Models stay loaded as long as there is room for them; the one that was asked for the longest ago goes first."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Model = TypeVar("Model")


class Residency(Generic[Model]):
    """Args:
    budget: bytes of weights that may stay. One that is larger by itself stays alone.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._models: OrderedDict[str, tuple[Model, int]] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._models

    @property
    def bytes(self) -> int:
        """Of all that stay."""
        return sum(size for _, size in self._models.values())

    def get(self, key: str, size: int, load: Callable[[], Model]) -> Model:
        """The model of a key, of so many bytes; loaded where it has not stayed."""
        if key not in self._models:
            # Room is made first: there are never more at once than there may be.
            while self._models and self.bytes + size > self._budget:
                self._models.popitem(last=False)
            self._models[key] = (load(), size)
        self._models.move_to_end(key)
        return self._models[key][0]
