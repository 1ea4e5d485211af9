"""Tests average precision on cases computed by hand."""

import numpy as np
import pytest

from protectors.evaluation.average_precision import AveragePrecision, overlaps

BOXES = np.array([[0, 0, 10, 10], [20, 20, 30, 30]], np.float32)


def test_overlaps() -> None:
    other = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [50, 50, 60, 60]], np.float32)
    assert overlaps(BOXES[:1], other)[0].tolist() == pytest.approx([1.0, 1 / 3, 0.0])


def test_perfect_detections() -> None:
    counter = AveragePrecision()
    counter.add(BOXES, np.array([0.9, 0.8], np.float32), BOXES)
    assert counter.value() == pytest.approx(1.0)


def test_a_second_detection_of_the_same_box_is_wrong() -> None:
    counter = AveragePrecision()
    counter.add(BOXES[[0, 0, 1]], np.array([0.9, 0.8, 0.7], np.float32), BOXES)
    # The precision is 1 up to recall 1/2, then 2/3 up to recall 1.
    assert counter.value() == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_scores_are_ranked_over_all_images() -> None:
    counter = AveragePrecision()
    counter.add(BOXES[:1], np.array([0.4], np.float32), BOXES[:1])
    counter.add(BOXES[:1], np.array([0.9], np.float32), BOXES[1:])
    assert counter.value() == pytest.approx(0.5 * 0.5)


def test_nothing_found_and_nothing_annotated() -> None:
    nothing, no_scores = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    missed = AveragePrecision()
    missed.add(nothing, no_scores, BOXES)
    assert missed.value() == 0.0
    assert np.isnan(AveragePrecision().value())
