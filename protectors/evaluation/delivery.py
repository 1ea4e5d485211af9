"""Delivers photos as the daemon does, and sends them through sites.

Evaluations of one protector avoid this module, so that they depend on no other.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from protectors.channel import sites
from protectors.channel.exact import through_jpeg
from protectors.cloak import Cloaked, Cloakroom
from protectors.evaluation.measurement import SEED
from protectors.judging.judge import Judge
from protectors.native import NativeResult
from protectors.progress import end_of
from protectors.saving import Pixels

Value = TypeVar("Value")


class Processing(Protocol):
    """A pipeline that a site sends a photo through, which makes real files."""

    @property
    def name(self) -> str: ...

    def exact(self, pixels: Pixels) -> Pixels:
        """Return the decoded pixels uint8 [h, w, 3] that are left of uint8 [H, W, 3]."""
        ...


DELIVERED = "delivered"
"""Name of the form of a photo that no site has changed."""


def delivered_by(room: Cloakroom, judge: Judge) -> Pixels:
    """Return a judge's photo as the daemon delivers it: cloaked, saved as the daemon's JPEG, and decoded."""
    return through_jpeg(end_of(room.cloak(judge, SEED)).pixels)


def delivered_pixels(made: Cloaked | NativeResult) -> Pixels:
    """Return the pixels of the file that was fitted to the floor, or those of the daemon's JPEG where none was."""
    return made.file.pixels if made.file else through_jpeg(made.pixels)


def forms(delivered: Pixels, others: Sequence[Processing] = ()) -> Iterator[tuple[str, Pixels]]:
    """Yield the forms of a delivered photo by name: unchanged, after each site, and after other pipelines."""
    yield DELIVERED, delivered
    for pipeline in (*sites.pipelines(), *others):
        yield pipeline.name, pipeline.exact(delivered)


def read_forms(delivered: Pixels, others: Sequence[Processing], read: Callable[[Pixels], Value]) -> Iterator[tuple[str, Value]]:
    """Yield what is read in each form of a delivered photo. Sites that leave the same pixels are read once."""
    known: dict[str, Value] = {}
    for name, pixels in forms(delivered, others):
        mark = hashlib.sha256(pixels.tobytes() + str(pixels.shape).encode()).hexdigest()
        if mark not in known:
            known[mark] = read(pixels)
        yield name, known[mark]
