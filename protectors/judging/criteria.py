"""Criteria that decide whether a network is fooled, from its readings of a photo before and after. ``&`` combines them.

Foolbox separates criteria from attacks in the same way (Rauber, Brendel, Bethge, "Foolbox: a Python toolbox to benchmark the
robustness of machine learning models", 2017).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from protectors.adversaries.reading import Reading
from protectors.quality import ssim_of


class Criterion(ABC):
    """A condition on a network's readings before and after."""

    @abstractmethod
    def is_met(self, before: Reading, after: Reading) -> bool:
        """Return whether a network with these readings of the original and of the delivered photo is fooled."""

    def may_fail(self, before: Reading) -> bool:
        """Return whether any reading could fail the criterion after this one of the original."""
        return True

    def __and__(self, other: "Criterion") -> "Criterion":
        return All((self, other))


@dataclass(frozen=True)
class All(Criterion):
    """All of several criteria are met."""

    criteria: tuple[Criterion, ...]

    def is_met(self, before: Reading, after: Reading) -> bool:
        return all(criterion.is_met(before, after) for criterion in self.criteria)


@dataclass(frozen=True)
class NothingFound(Criterion):
    """Nothing is found any more: no object at all, or none of the ``sensitive`` classes if some are named."""

    sensitive: tuple[str, ...] = ()

    def is_met(self, before: Reading, after: Reading) -> bool:
        if not self.sensitive:
            return not after.labels
        return not any(label in self.sensitive for label in after.labels)


@dataclass(frozen=True)
class NothingLeft(Criterion):
    """No class to hide is found any more: the ``sensitive`` ones, or if none are named, all that were read before.

    A network of 80 classes may find a class in a cloaked photo that was never there, which reveals nothing.
    """

    sensitive: tuple[str, ...] = ()

    def is_met(self, before: Reading, after: Reading) -> bool:
        return not self._hidden(before) & set(after.labels)

    def may_fail(self, before: Reading) -> bool:
        return bool(self._hidden(before))

    def _hidden(self, before: Reading) -> set[str]:
        return set(self.sensitive) or set(before.labels)


@dataclass(frozen=True)
class ReadAsAnother(Criterion):
    """Another class is read first than in the original."""

    def is_met(self, before: Reading, after: Reading) -> bool:
        return before.labels[:1] != after.labels[:1]


@dataclass(frozen=True)
class NotRetrieved(Criterion):
    """Nothing that a search retrieved for the original is retrieved any more."""

    def is_met(self, before: Reading, after: Reading) -> bool:
        return not set(before.labels) & set(after.labels)


@dataclass(frozen=True)
class NotSimilar(Criterion):
    """A search by embeddings takes the photo for another one: its cosine similarity to the original is below ``similarity``,
    that of cloaked photos to unrelated ones that a search ranks first."""

    similarity: float

    def is_met(self, before: Reading, after: Reading) -> bool:
        if before.embedding is None or after.embedding is None:
            raise ValueError("this criterion compares embeddings, and the readings have none")
        return float(before.embedding @ after.embedding) < self.similarity


@dataclass(frozen=True)
class LooksUnlike(Criterion):
    """The picture no longer looks like itself: its structural similarity at the network's size is at most ``similarity``."""

    similarity: float

    def is_met(self, before: Reading, after: Reading) -> bool:
        if before.seen is None or after.seen is None:
            raise ValueError("this criterion compares pictures, and the readings have none")
        return float(ssim_of(before.seen, after.seen)) <= self.similarity
