"""Tests that a judge reads the original once, asks every network, and keeps judges only out of trials."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from protectors.adversaries.classifier import Classifier
from protectors.adversaries.detector import Detector
from protectors.adversaries.loaded import Adversaries
from protectors.adversaries.reading import Detection, Reading
from protectors.channel.pipeline import Pipeline
from protectors.channel.resizing import shares
from protectors.judging.judge import Judge
from protectors.judging.question import questions_for
from protectors.policy import Policy

PHOTO = np.random.default_rng(0).integers(0, 200, (24, 32, 3)).astype(np.uint8)
CHANGED = PHOTO + np.uint8(3)


class Level(Detector):
    """Finds a person in every image whose mean is below a level, and counts its readings."""

    def __init__(self, name: str, level: float) -> None:
        self.name = name
        self.classes = ("background", "person")
        self.threshold = 0.3
        self.level = level
        self.asked = 0

    def detect(self, images: Tensor, threshold: float = 0.3) -> list[list[Detection]]:
        self.asked += len(images)
        return [[Detection("person", 0.9, (0, 0, 1, 1))] if image.mean() < self.level else [] for image in shares(images)]


def adversaries(*detectors: Detector, judges_only: frozenset[str] = frozenset()) -> Adversaries:
    return Adversaries(detectors=detectors, judges_only=judges_only, working_side=32, model_set="embedded")


MEAN = float(PHOTO.mean() / 255)
EASY, HARD = MEAN + 1 / 255, MEAN + 5 / 255
"""Levels of two detectors, both above the photo; the changed photo lies between them."""

OBJECTS = Policy(("objects",))


def test_the_original_is_read_once_and_each_form_once() -> None:
    detector = Level("easy", EASY)
    judge = Judge(OBJECTS, PHOTO, questions_for(OBJECTS, adversaries(detector)))
    assert detector.asked == 0
    assert [judge.is_protected(form) for form in (PHOTO, CHANGED, CHANGED)] == [False, True, True]
    assert judge.judgement(CHANGED, Pipeline("fine", 95)).site is not None
    # It reads the original, the original as delivered, the changed form and the site's form; the changed form is remembered.
    assert detector.asked == 1 + 2 + 1


def test_every_network_has_a_verdict_and_one_that_is_not_fooled_is_enough() -> None:
    judge = Judge(OBJECTS, PHOTO, questions_for(OBJECTS, adversaries(Level("easy", EASY), Level("hard", HARD))))
    judgement = judge.judgement(CHANGED)
    assert [(verdict.adversary, verdict.protected) for verdict in judgement.verdicts] == [("easy", True), ("hard", False)]
    assert judgement.above_floor
    assert not judgement.protected
    assert not judge.is_protected(CHANGED)


def test_a_judge_only_is_told_of_and_decides_no_trial() -> None:
    hard = Level("hard", HARD)
    loaded = adversaries(Level("easy", EASY), hard, judges_only=frozenset({"hard"}))
    assert [detector.name for detector in loaded.optimised.detectors] == ["easy"]
    judge = Judge(OBJECTS, PHOTO, questions_for(OBJECTS, loaded))
    assert judge.is_protected(CHANGED)
    assert [verdict.protected for verdict in judge.judgement(CHANGED).verdicts] == [True, False]


def test_an_unchanged_photo_is_never_protected_whatever_is_read() -> None:
    blind = Level("blind", 0.0)
    judge = Judge(OBJECTS, PHOTO, questions_for(OBJECTS, adversaries(blind)))
    assert judge.is_protected(PHOTO)
    judgement = judge.judgement(PHOTO, Pipeline("fine", 95))
    assert not judgement.protected
    assert judgement.site is not None
    assert not judgement.site.protected


def test_a_photo_that_a_site_can_make_no_file_of_has_no_site() -> None:
    # WebP allows at most 16,383 pixels a side.
    narrow = np.full((8, 16_400, 3), 128, np.uint8)
    judge = Judge(OBJECTS, narrow, questions_for(OBJECTS, adversaries(Level("easy", EASY))))
    assert judge.judgement(narrow, Pipeline("webp", encoding="webp")).site is None


def test_a_class_that_a_detector_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="unicorn"):
        questions_for(Policy(sensitive=("unicorn",)), adversaries(Level("easy", EASY)))


def test_the_classes_to_choose_from_are_those_of_all_detectors() -> None:
    other = Level("other", EASY)
    other.classes = ("N/A", "person", "car")
    assert adversaries(Level("easy", EASY), other).classes == ("person", "car")


class Brightest(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(8.0))

    def forward(self, images: Tensor) -> Tensor:
        return self.scale * images.mean((2, 3))


def test_a_classifier_reads_one_class_of_each_image() -> None:
    images = torch.zeros(2, 3, 8, 8)
    images[0, 1], images[1, 2] = 1, 1
    readings = Classifier("colours", Brightest(), ("red", "green", "blue"), 8).readings(images)
    assert readings == [Reading(("green",)), Reading(("blue",))]
