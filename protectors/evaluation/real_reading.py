"""What pretrained networks read in one cloaked photo, in every form that it takes, as sums that photos can be added up by."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torchvision.ops import box_iou

from protectors.adversaries.loaded import Adversaries
from protectors.adversaries.reading import Detection
from protectors.channel import sites
from protectors.channel.pipeline import Pipeline
from protectors.quality import as_tensor
from protectors.saving import Pixels

Sums = dict[str, float]

THRESHOLD = 0.3
"""The score from which on an object counts as found."""

FAINT = 0.05
"""The least score that is looked at: how far scores fall is measured down to it."""

OVERLAP = 0.5
"""Intersection over union from which on a detection is of the same object."""

JPEG = Pipeline("jpeg75", 75)

DELIVERED = "delivered"


def forms(delivered: Pixels) -> Iterator[tuple[str, Pixels]]:
    """Yield the forms of a delivered photo by name: as it is, as a JPEG of quality 75, and as each site keeps it."""
    yield DELIVERED, delivered
    for pipeline in (JPEG, *sites.pipelines()):
        yield pipeline.name, pipeline.exact(delivered)


@dataclass(frozen=True)
class Found:
    """The objects of one photo by one detector, boxes as shares of the photo's sides: those that count, and fainter ones."""

    detections: tuple[Detection, ...]
    faint: tuple[Detection, ...]

    def scores_in(self, later: "Found") -> list[float]:
        """Return for each object that counts the best score of its class in its place later; 0 where there is none."""
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
    """Return what each detector finds in a photo."""
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
    """Return the five likeliest classes of a photo by each classifier."""
    image = as_tensor(photo)
    return {network.name: network.read(image)[0].topk(5).indices.tolist() for network in adversaries.classifiers}


def sums_of(adversaries: Adversaries, original: Pixels, delivered: Pixels) -> Sums:
    """Return what is counted of one photo, by ``NETWORK.FORM.WHAT``.

    Of detectors: ``objects`` and ``people`` in the original, those ``objects_left`` and ``people_left``, ``photos`` with an
    object, ``nothing_left`` where none is found at all, and ``drop``, the sum over objects of how much the score fell. Of
    classifiers: ``photos``, ``top1`` where the class that was read first still is, ``top5`` where it is among the first five.
    """
    before, classes = found_by(adversaries, original), best_classes(adversaries, original)
    sums: Sums = defaultdict(float)
    # Sites that do the same to a photo of this size are read once.
    known: dict[str, tuple[dict[str, Found], dict[str, list[int]]]] = {}
    for form, pixels in forms(delivered):
        mark = hashlib.sha256(pixels.tobytes() + str(pixels.shape).encode()).hexdigest()
        if mark not in known:
            known[mark] = (found_by(adversaries, pixels), best_classes(adversaries, pixels))
        later, now = known[mark]
        for name, objects in before.items():
            count_objects(sums, f"{name}.{form}", objects, later[name])
        count_classes(sums, form, classes, now)
    return sums


def count_classes(sums: Sums, form: str, before: Mapping[str, list[int]], later: Mapping[str, list[int]]) -> None:
    """Add what is counted of the classes of one form of a photo to the sums, where what is not there yet is 0."""
    for name, best in before.items():
        sums[f"{name}.{form}.photos"] += 1
        sums[f"{name}.{form}.top1"] += later[name][0] == best[0]
        sums[f"{name}.{form}.top5"] += best[0] in later[name]


def count_objects(sums: Sums, prefix: str, before: Found, later: Found) -> None:
    """Add what is counted of the objects of one form of a photo to the sums, where what is not there yet is 0."""
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
