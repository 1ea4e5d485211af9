"""Tests that a detector limited to some classes finds these as before, and nothing else."""

import pytest
import torch
from skimage.data import astronaut

from protectors.adversaries.one_stage import OneStageDetector
from protectors.cloak import Cloakroom
from protectors.quality import as_tensor
from tests.pretrained import FOLDER, needs_networks

pytestmark = needs_networks


@pytest.fixture(scope="module")
def detectors() -> list[OneStageDetector]:
    return [one for one in Cloakroom("cpu", FOLDER).adversaries.detectors if isinstance(one, OneStageDetector)]


def test_the_classes_have_the_same_logits_and_boxes(detectors: list[OneStageDetector]) -> None:
    photo = as_tensor(astronaut())
    assert len(detectors) >= 5
    for detector in detectors:
        every = range(len(detector.classes))
        # In another order than before, so that a mixed-up channel shows.
        labels = [label for label in every if label in (0, 2, 27, 79)][::-1]
        limited = detector.limited_to(labels)
        assert limited.classes == tuple(detector.classes[label] for label in labels)
        whole, part = detector.look(photo), limited.look(photo)
        torch.testing.assert_close(part.logits, whole.logits[..., labels], rtol=1e-4, atol=1e-4)
        size = (photo.shape[2], photo.shape[3])
        torch.testing.assert_close(limited.boxes(part.outputs, size), detector.boxes(whole.outputs, size))
        # The detector itself still knows every class.
        assert detector.look(photo).logits.shape[-1] == len(detector.classes)


def test_a_detector_can_be_limited_again(detectors: list[OneStageDetector]) -> None:
    photo = as_tensor(astronaut())
    for detector in detectors:
        if len(detector.classes) > 3:
            twice = detector.limited_to([3, 1, 2]).limited_to([2, 0])
            torch.testing.assert_close(twice.look(photo).logits, detector.look(photo).logits[..., [2, 3]], rtol=1e-4, atol=1e-4)
