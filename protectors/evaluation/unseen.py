"""What models read in delivered photos that no cloak is made against: the judges, the surrogates of other makes, and the
encoders of other code lengths. An estimate is fitted on them, and checked by them on other photos."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor

from protectors.adversaries.loading import load_classifier, load_detector, load_encoder
from protectors.base import Verdict
from protectors.cloak import ENCODERS, pick_device
from protectors.manifest import Entry, entries, entry
from protectors.native import Pixels
from protectors.objects import detected
from protectors.quality import as_tensor
from protectors.scene import SceneProtector
from protectors.search import SearchProtector

Judge = Callable[[Tensor, Tensor], list[Verdict]]
"""Verdicts on originals and what was delivered of them."""


@dataclass(frozen=True)
class Read:
    """Whether one unseen model is fooled by one photo."""

    protector: str
    model: str
    fooled: bool


def models() -> tuple[Entry, ...]:
    """Those of the embedded set."""
    database = entry(ENCODERS[0]).classes
    return tuple(
        own
        for own in entries()
        if own.set == "embedded"
        and (
            (own.task in ("objects", "scene") and own.role in ("judge", "surrogate"))
            or (own.task == "search" and own.name not in ENCODERS and own.classes == database)
        )
    )


@cache
def judges(device: str) -> tuple[tuple[str, Judge], ...]:
    """The verdict of each, and the protector that it is about."""
    place, nobody = pick_device(device), torch.Generator()
    made: list[tuple[str, Judge]] = []
    for own in models():
        if own.task == "objects":
            made.append((own.task, partial(detected, load_detector(own, place))))
        elif own.task == "search":
            made.append((own.task, SearchProtector([load_encoder(own, place)], nobody).judge))
        else:
            made.append((own.task, SceneProtector(load_classifier(own, place), nobody).judge))
    return tuple(made)


def read(device: str, protectors: tuple[str, ...], photo: Pixels, delivered: Pixels) -> list[Read]:
    """What the unseen models of some protectors make of a photo; those that read nothing in the original are left out."""
    before, after = as_tensor(photo), as_tensor(delivered)
    return [
        Read(verdict.protector, verdict.adversary, verdict.protected)
        for task, judge in judges(device)
        if task in protectors
        for verdict in judge(before, after)
        if verdict.before
    ]
