"""Measures how well adversaries read unchanged photos: average precision, accuracy and retrieval."""

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from protectors.adversaries.classifier import Classifier
from protectors.adversaries.detector import Detector
from protectors.adversaries.hash_encoder import HashEncoder
from protectors.archive import Archive
from protectors.evaluation.average_precision import AveragePrecision
from protectors.evaluation.retrieval import mean_average_precision
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
"""COCO's classes by the embedded detector's; all others are items."""


def group_of(name: str) -> str:
    """Return the embedded detector's class for a COCO class."""
    return next((group for group, members in COCO_GROUPS.items() if name in members), "item")


def average_precisions(detector: Detector, data: Path, report_every: int = 0) -> dict[str, float]:
    """Return AP at an overlap of 0.5 by class, on people.npz's test photos (street and others) and photos.npz."""
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
                detections = [detection for detection in found if detection.label == label]
                counter.add(
                    np.array([detection.box for detection in detections], np.float32).reshape(-1, 4),
                    np.array([detection.score for detection in detections], np.float32),
                    boxes[[classes[number] == label for number in labels.tolist()]],
                )
            if report_every and done % report_every == 0:
                print(f"{name} {done}/{len(members)}", flush=True)
        for label, counter in counters.items():
            value = counter.value()
            if not math.isnan(value):
                figures[f"{name}.{label}.ap50"] = value
    return figures


def images_of(archive: Archive, indices: NDArray[np.int64]) -> Tensor:
    """Return images of one size as float [N, 3, H, W] in [0, 1]."""
    return torch.from_numpy(archive.stack(indices.tolist())).float() / 255


def accuracy(classifier: Classifier, archive: Archive) -> float:
    """Return the top-1 accuracy on the test split of an archive of labelled images of one size."""
    (tests,) = np.where(archive["is_test"])
    return share_right(classifier, images_of(archive, tests), torch.from_numpy(archive["labels"][tests].astype(np.int64)))


def share_right(classifier: Classifier, images: Tensor, truth: Tensor) -> float:
    """Return the top-1 accuracy on images [N, 3, H, W] with labels [N]."""
    read = torch.cat([classifier.read(batch.to(classifier.device)).argmax(1).cpu() for batch in images.split(100)])
    return float((read == truth).float().mean())


def retrieval(encoder: HashEncoder, archive: Archive, queries: int = 1000, top: int = 1000) -> float:
    """Return the mAP over the ``top`` nearest of the training split, for ``queries`` images of the test split."""
    chance = np.random.default_rng(0)
    # A random order prevents any class from coming first among codes at the same distance.
    tests, rest = (chance.permutation(np.where(archive["is_test"] == chosen)[0]) for chosen in (True, False))

    def codes(indices: NDArray[np.int64]) -> Tensor:
        return torch.cat([encoder.codes(images_of(archive, part)) for part in np.array_split(indices, 50)])

    truth = torch.from_numpy(archive["labels"].astype(np.int64))
    return mean_average_precision(codes(tests[:queries]), truth[tests[:queries]], codes(rest), truth[rest], top)
