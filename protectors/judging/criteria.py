"""Criteria: when a network counts as fooled, from its reading of a photo before and after. They can be joined with ``&``.

Foolbox keeps its criteria apart from its attacks in the same way (Rauber, Brendel, Bethge, "Foolbox: a Python toolbox to
benchmark the robustness of machine learning models", 2017).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from protectors.adversaries.reading import Reading
from protectors.quality import ssim_of


class Criterion(ABC):
    """A condition on a network's readings."""

    @abstractmethod
    def is_met(self, before: Reading, after: Reading) -> bool:
        """Return whether the network that read the original so, and the delivered photo so, is fooled."""

    def __and__(self, other: "Criterion") -> "Criterion":
        return All((self, other))


@dataclass(frozen=True)
class All(Criterion):
    """Every one of several criteria is met."""

    criteria: tuple[Criterion, ...]

    def is_met(self, before: Reading, after: Reading) -> bool:
        return all(criterion.is_met(before, after) for criterion in self.criteria)


@dataclass(frozen=True)
class NothingFound(Criterion):
    """Nothing is found any more: no object at all, or none of the ``sensitive`` classes where some are named."""

    sensitive: tuple[str, ...] = ()

    def is_met(self, before: Reading, after: Reading) -> bool:
        if not self.sensitive:
            return not after.labels
        return not any(label in self.sensitive for label in after.labels)


@dataclass(frozen=True)
class NothingLeft(Criterion):
    """Nothing of what was found is found any more: neither a class that was read before, nor a ``sensitive`` one.

    A network of 80 classes may find something in a cloaked photo that was never there; that tells nothing of the photo.
    """

    sensitive: tuple[str, ...] = ()

    def is_met(self, before: Reading, after: Reading) -> bool:
        hidden = set(self.sensitive) or set(before.labels)
        return not hidden & set(after.labels)


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
    """A search by embeddings takes the photo for another one: the cosine similarity is below that of unrelated photos that a
    search ranks first."""

    similarity: float

    def is_met(self, before: Reading, after: Reading) -> bool:
        if before.embedding is None or after.embedding is None:
            raise ValueError("this criterion compares embeddings, and the readings have none")
        return float(before.embedding @ after.embedding) < self.similarity


@dataclass(frozen=True)
class LooksUnlike(Criterion):
    """The picture no longer looks like itself at the size the network was shown: its structural similarity is at most this."""

    similarity: float

    def is_met(self, before: Reading, after: Reading) -> bool:
        if before.seen is None or after.seen is None:
            raise ValueError("this criterion compares pictures, and the readings have none")
        return float(ssim_of(before.seen, after.seen)) <= self.similarity
