"""Loads the networks that photos are cloaked against and judged by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from protectors.adversaries.classifier import Classifier
from protectors.adversaries.coco import GROUPS, expanded, known_of
from protectors.adversaries.detector import NO_CLASSES, Detector
from protectors.adversaries.embedding_search import EmbeddingSearch
from protectors.adversaries.hash_encoder import HashEncoder
from protectors.adversaries.loading import available, load_classifier, load_encoder, load_two_stage
from protectors.adversaries.pretrained_loading import load_one_stage, load_pretrained_classifier, pulled_models, search_by
from protectors.manifest import ModelSet, entry, model_set

WORKING_SIDE = 640
"""Longest side in pixels at which photos are cloaked against pretrained networks, larger than any network's input."""

ENCODERS = ("dsh48", "dbh48", "dpsh48")


@dataclass(frozen=True, kw_only=True)
class Adversaries:
    """Networks of each kind. A judge asks all of them; ``judges_only`` names those that no cloak is optimised on.

    ``working_side`` is the longest side in pixels at which a photo is optimised; ``model_set`` is the manifest's name of their
    set.
    """

    detectors: tuple[Detector, ...] = ()
    classifiers: tuple[Classifier, ...] = ()
    encoders: tuple[HashEncoder, ...] = ()
    searches: tuple[EmbeddingSearch, ...] = ()
    judges_only: frozenset[str] = frozenset()
    working_side: int
    model_set: ModelSet

    @property
    def optimised(self) -> "Adversaries":
        """The networks that cloaks are optimised on."""
        return replace(
            self,
            detectors=tuple(detector for detector in self.detectors if detector.name not in self.judges_only),
            classifiers=tuple(classifier for classifier in self.classifiers if classifier.name not in self.judges_only),
            encoders=tuple(encoder for encoder in self.encoders if encoder.name not in self.judges_only),
            searches=tuple(search for search in self.searches if search.name not in self.judges_only),
        )

    def hiding(self, sensitive: Sequence[str]) -> tuple[tuple[Detector, tuple[str, ...]], ...]:
        """Return the detectors that know any of the sensitive classes or groups, with those of their classes that are meant.

        If nothing is sensitive, everything is to be hidden: all detectors are returned, with no classes.

        Raises:
            ValueError: no detector knows one of the names; the text lists the known classes.
        """
        expanded(sensitive, self.classes)
        pairs = ((detector, known_of(sensitive, detector.classes)) for detector in self.detectors)
        return tuple((detector, classes) for detector, classes in pairs if classes or not sensitive)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of objects that a person may choose to hide, in the detectors' order, with groups after the first."""
        names = dict.fromkeys(name for detector in self.optimised.detectors for name in detector.classes)
        known = tuple(name for name in names if name not in NO_CLASSES)
        groups = [group for group, members in GROUPS.items() if group not in known and set(members) <= set(known)]
        return (*known[:1], *groups, *known[1:])


def load_adversaries(device: torch.device, folder: Path | None = None) -> Adversaries:
    """Load the best available networks: pretrained ones, else official ones, else embedded ones.

    ``folder`` is that of pulled models.

    Raises:
        DamagedWeightsError: weights are missing, or do not match the manifest.
    """
    chosen = model_set(folder)
    if chosen == "pretrained":
        return _load_pretrained(device, folder)
    detector, classifier = (available(task, "adversary", folder) for task in ("objects", "scene"))
    return Adversaries(
        detectors=(load_two_stage(detector, device, folder),),
        classifiers=(load_classifier(classifier, device, folder),),
        encoders=tuple(load_encoder(entry(name), device) for name in ENCODERS),
        working_side=detector.input_size,
        model_set=chosen,
    )


def _load_pretrained(device: torch.device, folder: Path | None) -> Adversaries:
    """Load the pretrained networks that were pulled."""
    models = pulled_models(folder)
    classifiers = [(model, load_pretrained_classifier(model, device, folder)) for model in models if model.task == "scene"]
    return Adversaries(
        detectors=tuple(load_one_stage(model, device, folder) for model in models if model.task == "objects"),
        classifiers=tuple(network for _, network in classifiers),
        searches=tuple(search_by(network, model) for model, network in classifiers),
        judges_only=frozenset(model.name for model in models if model.role == "judge"),
        working_side=WORKING_SIDE,
        model_set="pretrained",
    )
