"""How well adversaries read photos nobody changed: average precision of detectors, accuracy of classifiers."""

import math
from pathlib import Path

import numpy as np
import torch

from protectors.adversaries.classifier import Classifier
from protectors.adversaries.detector import Detector
from protectors.archive import Archive
from protectors.evaluation.average_precision import AveragePrecision
from protectors.quality import as_tensor

LOWEST_SCORE = 0.05
"""Detections below this score do not enter the precision-recall curve."""

COCO_GROUPS = {
    "person": ("person",),
    "vehicle": ("bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"),
    "animal": ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"),
    "furnishing": (
        "bench", "chair", "couch", "potted plant", "bed", "dining table", "toilet", "tv", "microwave", "oven", "toaster",
        "sink", "refrigerator",
    ),
}  # fmt: skip
"""COCO's 80 classes in the embedded detector's five; what is not named is an item."""


def group_of(name: str) -> str:
    """The embedded class that a COCO class belongs to."""
    return next((group for group, members in COCO_GROUPS.items() if name in members), "item")


def average_precisions(detector: Detector, data: Path, report_every: int = 0) -> dict[str, float]:
    """AP at an overlap of 0.5 by class, on people.npz's test photos (street; others: COCO and Open Images) and photos.npz."""
    people = Archive(data / "people.npz")
    photos = Archive(data / "photos.npz")
    photo_classes = [group_of(name) for name in photos.classes]
    (tests,) = np.where(people["is_test"])
    sets: dict[str, list[tuple[Archive, int, list[str]]]] = {"street": [], "others": [], "photos": []}
    for index in tests.tolist():
        sets["street" if people["source"][index] == "street" else "others"].append((people, index, people.classes))
    sets["photos"] = [(photos, index, photo_classes) for index in range(len(photos))]
    figures: dict[str, float] = {}
    for name, members in sets.items():
        counters = {label: AveragePrecision() for label in detector.classes[1:]}
        for done, (archive, index, classes) in enumerate(members):
            (found,) = detector.detect(as_tensor(archive.image(index)), LOWEST_SCORE)
            boxes, labels = archive.boxes(index)
            for label, counter in counters.items():
                own = [detection for detection in found if detection.label == label]
                counter.add(
                    np.array([detection.box for detection in own], np.float32).reshape(-1, 4),
                    np.array([detection.score for detection in own], np.float32),
                    boxes[[classes[number] == label for number in labels.tolist()]],
                )
            if report_every and done % report_every == 0:
                print(f"{name} {done}/{len(members)}", flush=True)
        for label, counter in counters.items():
            value = counter.value()
            if not math.isnan(value):
                figures[f"{name}.{label}.ap50"] = value
    return figures


def accuracy(classifier: Classifier, data: Path) -> float:
    """Top-1 accuracy on the test split of scenes6.npz."""
    archive = Archive(data / "scenes6.npz")
    (tests,) = np.where(archive["is_test"])
    right = 0
    for chosen in np.array_split(tests, max(1, len(tests) // 50)):
        batch = torch.cat([as_tensor(archive.image(int(index))) for index in chosen])
        right += int((classifier.read(batch).argmax(1).numpy() == archive["labels"][chosen]).sum())
    return right / len(tests)
