"""Tests Object Disappearance against the embedded detector, by fresh detections."""

import numpy as np
import pytest
import torch

from protectors.adversaries.detector import TwoStageDetector
from protectors.adversaries.loading import load_detector
from protectors.archive import DEFAULT_FOLDER, Archive
from protectors.base import Budget
from protectors.judging.question import about_objects
from protectors.manifest import entry
from protectors.objects import ObjectDisappearance, Published, Rule
from protectors.quality import as_tensor
from protectors.saving import Pixels
from tests.protectors.conftest import finish, needs_data


def test_the_embedded_detector_sees_the_person(detector: TwoStageDetector, portrait: Pixels) -> None:
    (found,) = detector.detect(as_tensor(portrait))
    assert "person" in [detection.label for detection in found]


def test_m_all_leaves_nothing_to_find(detector: TwoStageDetector, portrait: Pixels) -> None:
    originals = as_tensor(portrait)
    protector = ObjectDisappearance(detector)
    seen, cloaked = finish(protector.protect(originals, Budget(8 / 255, 60)))
    (verdict,) = about_objects(detector).verdicts(originals, cloaked.images)
    assert verdict.before
    assert verdict.after == ()
    assert verdict.protected
    assert {progress.stage for progress in seen} == {"objects"}
    assert 0 < (cloaked.images - originals).abs().max() <= 8 / 255 + 1e-6


def test_m_sen_leaves_no_person_to_find(detector: TwoStageDetector, portrait: Pixels) -> None:
    originals = as_tensor(portrait)
    protector = ObjectDisappearance(detector, ["person"])
    _, cloaked = finish(protector.protect(originals, Budget(8 / 255, 60)))
    (verdict,) = about_objects(detector, ["person"]).verdicts(originals, cloaked.images)
    assert "person" in verdict.before
    assert "person" not in verdict.after
    assert verdict.protected


@pytest.mark.parametrize("sensitive", [(), ("person",)])
def test_the_published_rule_meets_its_own_criterion(
    detector: TwoStageDetector, portrait: Pixels, sensitive: tuple[str, ...]
) -> None:
    """Every score on the clean photo's proposals ends below T, though a fresh detection may find objects again."""
    originals = as_tensor(portrait)
    protector = ObjectDisappearance(detector, sensitive, rule="published")
    _, cloaked = finish(protector.protect(originals, Budget(8 / 255, 60)))
    assert cloaked.steps[0] < 60
    proposals, before = detector.propose(originals)
    (logits,) = detector.logits(cloaked.images, proposals)
    scores = logits.softmax(1)
    labels = list(protector.sensitive) or list(range(1, len(detector.classes)))
    assert before[0][:, labels].max() >= 0.3
    assert scores[:, labels].max() < 0.3


@pytest.mark.parametrize("rule", ["published", "refreshed"])
def test_a_blank_photo_is_survived(detector: TwoStageDetector, rule: Rule) -> None:
    originals = torch.full((1, 3, 64, 96), 0.5)
    _, cloaked = finish(ObjectDisappearance(detector, rule=rule).protect(originals, Budget(8 / 255, 5)))
    assert cloaked.images.shape == originals.shape


def test_even_an_empty_photo_is_changed_by_default(detector: TwoStageDetector) -> None:
    """A better detector may find what the weak embedded one does not."""
    originals = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(3))
    _, cloaked = finish(ObjectDisappearance(detector).protect(originals, Budget(8 / 255, 10)))
    assert cloaked.steps[0] >= 3
    assert (cloaked.images - originals).abs().max() > 1 / 255


def test_published_m_sen_cycles_through_the_non_sensitive_classes(detector: TwoStageDetector, portrait: Pixels) -> None:
    objective = Published(detector, as_tensor(portrait), [1], None, 8 / 255)
    assert objective.replacements
    assert all(1 not in labels and labels for labels in objective.replacements)
    chosen = Published(detector, as_tensor(portrait), [1], 3, 8 / 255)
    assert chosen.replacements == [(3,)]
    # These logits read as class 2, so the loss is low for target 2, high for target 3, and so on in turn.
    objective.replacements = [(2, 3)]
    logits = torch.zeros(1, len(detector.classes))
    logits[:, 2] = 5
    costs = [objective._proposal_losses(logits, 0, step).item() for step in range(4)]
    assert costs[0] == costs[2] < costs[1] == costs[3]


def test_unknown_and_senseless_classes_are_refused(detector: TwoStageDetector) -> None:
    with pytest.raises(ValueError, match="it knows person, vehicle"):
        ObjectDisappearance(detector, ["unicorn"])
    with pytest.raises(ValueError, match="every class is sensitive"):
        ObjectDisappearance(detector, detector.classes[1:])
    with pytest.raises(ValueError, match="itself a sensitive class"):
        ObjectDisappearance(detector, ["person"], read_as="person")


@needs_data
def test_a_second_make_of_detector_sees_people_on_streets_too() -> None:
    archive = Archive(DEFAULT_FOLDER / "people.npz")
    chosen = np.where(archive["is_test"] & (archive["source"] == "street"))[0][:6].tolist()
    judge = load_detector(entry("people_detector_fcos"), torch.device("cpu"))
    seen = 0
    for images in map(as_tensor, archive.images(chosen)):
        (verdict,) = about_objects(judge).verdicts(images, torch.zeros_like(images))
        seen += "person" in verdict.before
        assert all(found.score >= judge.threshold for found in verdict.detections_before or ())
        assert verdict.after == ()
        assert verdict.protected
    assert seen >= 4
