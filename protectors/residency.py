"""Keeps models loaded within a limit of bytes; the least recently used one is dropped first."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Model = TypeVar("Model")


class Residency(Generic[Model]):
    """A cache of models. ``budget`` is the bytes of weights that may stay loaded; a model above it stays alone."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._models: OrderedDict[str, tuple[Model, int]] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._models

    @property
    def bytes(self) -> int:
        """Size of all loaded models."""
        return sum(size for _, size in self._models.values())

    def get(self, key: str, size: int, load: Callable[[], Model]) -> Model:
        """Return the model of a key, loading it if needed; ``size`` is its bytes."""
        if key not in self._models:
            # Room is made before loading, so that the limit is never exceeded.
            while self._models and self.bytes + size > self._budget:
                self._models.popitem(last=False)
            self._models[key] = (load(), size)
        self._models.move_to_end(key)
        return self._models[key][0]
