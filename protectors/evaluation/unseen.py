"""Reads delivered photos with models that no cloak is optimised on: judges, surrogates of other architectures, and encoders of
other code lengths. The estimates for unseen models are fitted on them, and checked with them on other photos."""

from dataclasses import dataclass
from functools import cache

from protectors.adversaries.loaded import ENCODERS
from protectors.adversaries.loading import load_classifier, load_detector, load_encoder
from protectors.device import pick_device
from protectors.judging.judge import Judge
from protectors.judging.question import Question, about_objects, about_scene, about_search
from protectors.manifest import Entry, entries, entry
from protectors.policy import Policy
from protectors.saving import Pixels


@dataclass(frozen=True)
class Read:
    """One unseen model's reading: whether a photo fools it."""

    protector: str
    model: str
    fooled: bool


def models() -> tuple[Entry, ...]:
    """Return the unseen models of the embedded set."""
    database = entry(ENCODERS[0]).classes
    return tuple(
        model
        for model in entries()
        if model.set == "embedded"
        and (
            (model.task in ("objects", "scene") and model.role in ("judge", "surrogate"))
            or (model.task == "search" and model.name not in ENCODERS and model.classes == database)
        )
    )


@cache
def questions(device: str) -> tuple[Question, ...]:
    """Return one question for each unseen model."""
    place = pick_device(device)
    made: list[Question] = []
    for model in models():
        if model.task == "objects":
            made.append(about_objects(load_detector(model, place)))
        elif model.task == "search":
            made.append(about_search(load_encoder(model, place)))
        else:
            made.append(about_scene(load_classifier(model, place)))
    return tuple(made)


def read(device: str, protectors: tuple[str, ...], photo: Pixels, delivered: Pixels) -> list[Read]:
    """Ask the unseen models of some protectors about a photo, except those that read nothing in the original."""
    asked = [question for question in questions(device) if question.protector in protectors]
    judge = Judge(Policy(protectors), photo, asked, pick_device(device))
    return [
        Read(verdict.protector, verdict.adversary, verdict.protected) for verdict in judge.verdicts(delivered) if verdict.before
    ]
