"""The questions that a judge asks: each is a network, the protector against it, and the criterion for being fooled."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from protectors.adversaries.classifier import Classifier
from protectors.adversaries.detector import Detector
from protectors.adversaries.embedding_search import EmbeddingSearch
from protectors.adversaries.hash_encoder import HashEncoder
from protectors.adversaries.loaded import Adversaries
from protectors.adversaries.one_stage import OneStageDetector
from protectors.adversaries.reading import Adversary, Reading
from protectors.judging.criteria import Criterion, NothingFound, NothingLeft, NotRetrieved, NotSimilar, ReadAsAnother
from protectors.judging.verdict import Verdict
from protectors.names import OBJECTS, SCENE, SEARCH
from protectors.policy import Policy


@dataclass(frozen=True)
class Question:
    """One network, asked on behalf of one protector. ``is_judge_only`` marks a network that no cloak is optimised on."""

    protector: str
    adversary: Adversary
    criterion: Criterion
    is_judge_only: bool = False

    @property
    def reader(self) -> Adversary:
        """The network that reads photos for this question. A judge reads a photo once for all questions of a network."""
        return self.adversary

    def verdict(self, before: Reading, after: Reading) -> Verdict:
        """Return the verdict on the network's readings of a photo before and after."""
        return Verdict(
            self.protector,
            self.adversary.name,
            self.criterion.is_met(before, after),
            before.labels,
            after.labels,
            before.detections,
            after.detections,
            self.is_judge_only,
        )

    def verdicts(self, originals: Tensor, delivered: Tensor) -> list[Verdict]:
        """Return a verdict for each pair of images [B, 3, H, W]."""
        pairs = zip(self.reader.readings(originals), self.reader.readings(delivered), strict=True)
        return [self.verdict(before, after) for before, after in pairs]


THIS_PHOTO, OTHER_PHOTOS = "this photo", "other photos"
"""The labels of a search's first result."""


@dataclass(frozen=True)
class SearchQuestion(Question):
    """Asks a search by embeddings whether the delivered photo still finds the original."""

    adversary: EmbeddingSearch

    @property
    def reader(self) -> Adversary:
        # One pass of the network tells its class and its embedding.
        return self.adversary.network

    def verdict(self, before: Reading, after: Reading) -> Verdict:
        is_lost = self.criterion.is_met(before, after)
        found = OTHER_PHOTOS if is_lost else THIS_PHOTO
        return Verdict(self.protector, self.adversary.name, is_lost, (THIS_PHOTO,), (found,), is_judge_only=self.is_judge_only)


def ask(questions: Sequence[Question], originals: Tensor, delivered: Tensor) -> list[Verdict]:
    """Return each question's verdict on each pair of images [B, 3, H, W], image by image."""
    by_question = [question.verdicts(originals, delivered) for question in questions]
    return [verdict for image in zip(*by_question, strict=True) for verdict in image]


def about_objects(detector: Detector, sensitive: Sequence[str] = ()) -> Question:
    """Ask whether a detector still finds anything, or any of its classes in ``sensitive``."""
    classes = tuple(sensitive)
    criterion = NothingLeft(classes) if isinstance(detector, OneStageDetector) else NothingFound(classes)
    return Question(OBJECTS, detector, criterion)


def about_search(encoder: HashEncoder) -> Question:
    """Ask whether a search by an encoder still retrieves what it did."""
    return Question(SEARCH, encoder, NotRetrieved())


def about_embeddings(search: EmbeddingSearch) -> Question:
    """Ask whether a search by embeddings still finds the original."""
    return SearchQuestion(SEARCH, search, NotSimilar(search.similarity))


def about_scene(classifier: Classifier) -> Question:
    """Ask whether a classifier still reads the same class first."""
    return Question(SCENE, classifier, ReadAsAnother())


def questions_for(policy: Policy, adversaries: Adversaries) -> tuple[Question, ...]:
    """Return one question for each network that a policy concerns. ValueError: no detector knows a sensitive class."""
    questions: list[Question] = []
    if OBJECTS in policy.protectors:
        questions += [about_objects(detector, classes) for detector, classes in adversaries.hiding(policy.sensitive)]
    if SEARCH in policy.protectors:
        questions += [about_search(encoder) for encoder in adversaries.encoders]
        questions += [about_embeddings(search) for search in adversaries.searches]
    if SCENE in policy.protectors:
        questions += [about_scene(classifier) for classifier in adversaries.classifiers]
    return tuple(replace(question, is_judge_only=question.adversary.name in adversaries.judges_only) for question in questions)
