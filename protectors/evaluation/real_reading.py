"""Counts what pretrained networks read in every form of a cloaked photo, as sums that can be added over photos."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torchvision.ops import box_iou

from protectors.adversaries.loaded import Adversaries
from protectors.adversaries.reading import Detection
from protectors.channel.pipeline import Pipeline
from protectors.evaluation.delivery import read_forms
from protectors.quality import as_tensor
from protectors.saving import Pixels

Sums = dict[str, float]

THRESHOLD = 0.3
"""Least score at which an object counts as found."""

FAINT = 0.05
"""Least score of a detection that is read at all; the fall of scores is measured down to it."""

OVERLAP = 0.5
"""Least intersection over union at which a detection is of the same object."""

JPEG = Pipeline("jpeg75", 75)


@dataclass(frozen=True)
class Found:
    """One detector's objects in one photo, with boxes as shares of the photo's sides: those that count, and fainter ones."""

    detections: tuple[Detection, ...]
    faint: tuple[Detection, ...]

    def scores_in(self, later: "Found") -> list[float]:
        """Return for each object that counts the best later score of its class in its place, or 0."""
        candidates = (*later.detections, *later.faint)
        if not candidates or not self.detections:
            return [0.0] * len(self.detections)
        boxes = torch.tensor([candidate.box for candidate in candidates])
        overlaps = box_iou(torch.tensor([detection.box for detection in self.detections]), boxes).tolist()
        return [
            max(
                (
                    candidate.score
                    for candidate, overlap in zip(candidates, row, strict=True)
                    if candidate.label == detection.label and overlap >= OVERLAP
                ),
                default=0.0,
            )
            for detection, row in zip(self.detections, overlaps, strict=True)
        ]


def found_by(adversaries: Adversaries, photo: Pixels) -> dict[str, Found]:
    """Return each detector's objects in a photo."""
    height, width = photo.shape[:2]
    sides, image = (width, height, width, height), as_tensor(photo)
    found = {}
    for detector in adversaries.detectors:
        (detections,) = detector.detect(image, FAINT)
        scaled = [_scaled(detection, sides) for detection in detections]
        found[detector.name] = Found(
            tuple(detection for detection in scaled if detection.score >= THRESHOLD),
            tuple(detection for detection in scaled if detection.score < THRESHOLD),
        )
    return found


def _scaled(detection: Detection, sides: Sequence[int]) -> Detection:
    left, top, right, bottom = (edge / side for edge, side in zip(detection.box, sides, strict=True))
    return Detection(detection.label, detection.score, (left, top, right, bottom))


def best_classes(adversaries: Adversaries, photo: Pixels) -> dict[str, list[int]]:
    """Return each classifier's five likeliest classes of a photo."""
    image = as_tensor(photo)
    return {network.name: network.read(image)[0].topk(5).indices.tolist() for network in adversaries.classifiers}


def sums_of(adversaries: Adversaries, original: Pixels, delivered: Pixels) -> Sums:
    """Return the counts of one photo by ``NETWORK.FORM.WHAT``.

    For detectors these are ``objects`` and ``people`` in the original, ``objects_left`` and ``people_left``, ``photos`` with an
    object, ``nothing_left`` for photos in which nothing is found, and ``drop``, the sum of the falls of the objects' scores.
    For classifiers they are ``photos``, and those in which the first class is still first (``top1``) or among five (``top5``).
    """
    before, classes = found_by(adversaries, original), best_classes(adversaries, original)
    sums: Sums = defaultdict(float)

    def read(pixels: Pixels) -> tuple[dict[str, Found], dict[str, list[int]]]:
        return found_by(adversaries, pixels), best_classes(adversaries, pixels)

    for form, (later, now) in read_forms(delivered, (JPEG,), read):
        for name, objects in before.items():
            count_objects(sums, f"{name}.{form}", objects, later[name])
        count_classes(sums, form, classes, now)
    return sums


def count_classes(sums: Sums, form: str, before: Mapping[str, list[int]], later: Mapping[str, list[int]]) -> None:
    """Add the counts of classes in one form of a photo to the sums, whose missing keys count as 0."""
    for name, best in before.items():
        sums[f"{name}.{form}.photos"] += 1
        sums[f"{name}.{form}.top1"] += later[name][0] == best[0]
        sums[f"{name}.{form}.top5"] += best[0] in later[name]


def count_objects(sums: Sums, prefix: str, before: Found, later: Found) -> None:
    """Add the counts of objects in one form of a photo to the sums, whose missing keys count as 0."""
    if not before.detections:
        return
    scores = before.scores_in(later)
    for detection, score in zip(before.detections, scores, strict=True):
        is_left, is_person = score >= THRESHOLD, detection.label == "person"
        sums[f"{prefix}.objects"] += 1
        sums[f"{prefix}.objects_left"] += is_left
        sums[f"{prefix}.people"] += is_person
        sums[f"{prefix}.people_left"] += is_left and is_person
        sums[f"{prefix}.drop"] += detection.score - score
    sums[f"{prefix}.photos"] += 1
    sums[f"{prefix}.nothing_left"] += not later.detections
