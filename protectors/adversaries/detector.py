"""A detector as an adversary: its detections and, in two-stage ones, differentiable scores over fixed region proposals."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.image_list import ImageList

from protectors.adversaries.reading import Detection, Reading
from protectors.channel.resizing import shares


@dataclass(frozen=True)
class Proposals:
    """Region proposals of one image, [P, 4] (xyxy), in pixels of the detector's input."""

    boxes: Tensor


@dataclass(frozen=True)
class Look:
    """A backbone's features of its ``inputs`` [B, 3, h, w]."""

    model: FasterRCNN
    inputs: Tensor
    features: dict[str, Tensor]

    @torch.no_grad()
    def proposed(self) -> tuple[list[Proposals], list[Tensor]]:
        """Return the region proposals of each image, and the class probabilities [P, classes] there."""
        features = {name: level.detach() for name, level in self.features.items()}
        inputs = self.inputs.detach()
        boxes, _ = self.model.rpn(ImageList(inputs, [_size(inputs)] * len(inputs)), features)
        proposals = [Proposals(box) for box in boxes]
        logits = Look(self.model, inputs, features).logits(proposals)
        return proposals, [functional.softmax(values, 1) for values in logits]

    def logits(self, proposals: Sequence[Proposals]) -> list[Tensor]:
        """Return class logits [P, classes] over each image's given proposals; differentiable with respect to the images."""
        heads = self.model.roi_heads
        boxes = [proposed.boxes for proposed in proposals]
        pooled = heads.box_roi_pool(self.features, boxes, [_size(self.inputs)] * len(self.inputs))
        scores, _ = heads.box_predictor(heads.box_head(pooled))
        return list(scores.split([len(box) for box in boxes]))


def _size(inputs: Tensor) -> tuple[int, int]:
    """Return height and width, in torchvision's order."""
    return int(inputs.shape[2]), int(inputs.shape[3])


NO_CLASSES = frozenset({"background", "__background__", "N/A"})
"""Labels of detectors that are no classes of objects."""


class Detector(ABC):
    """A detector as an adversary. Images are [B, 3, H, W] of any size, float32 in [0, 1] or 8-bit levels.

    ``classes`` are names by label, including ``NO_CLASSES``; ``threshold`` is the least score at which a detection counts.
    """

    def __init__(self, name: str, classes: Sequence[str], threshold: float) -> None:
        self.name = name
        self.classes = tuple(classes)
        self.threshold = threshold

    @abstractmethod
    def detect(self, images: Tensor, threshold: float = 0.3) -> list[list[Detection]]:
        """Return the objects in each image with at least the score ``threshold``; boxes are in pixels of the given images."""

    def readings(self, images: Tensor) -> list[Reading]:
        """Return the objects in each image with at least the detector's threshold."""
        found = self.detect(images, self.threshold)
        return [Reading(tuple(detection.label for detection in detections), tuple(detections)) for detections in found]

    def label(self, name: str) -> int:
        """Return the label of a class; ValueError lists the known classes."""
        known = [known for known in self.classes if known not in NO_CLASSES]
        if name not in known:
            raise ValueError(f"{self.name} knows no class {name!r}; it knows {', '.join(known)}")
        return self.classes.index(name)


class TorchvisionDetector(Detector):
    """Wraps a detector of torchvision's, which resizes images itself; label 0 is the background."""

    def __init__(self, name: str, model: nn.Module, classes: Sequence[str], threshold: float) -> None:
        super().__init__(name, classes, threshold)
        # Channels last is 10 to 15 % quicker with AVX-512 and as quick with AVX2. It is safe because the weights are frozen:
        # see protectors/training/memory_layout.py.
        self.model = model.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def detect(self, images: Tensor, threshold: float = 0.3) -> list[list[Detection]]:
        """Run the detector's whole pipeline on each image; boxes are in pixels of the given images."""
        found = []
        for image in shares(images):
            (result,) = self.model([image])
            found.append(
                [
                    Detection(self.classes[label], score, (box[0], box[1], box[2], box[3]))
                    for label, score, box in zip(
                        result["labels"].tolist(), result["scores"].tolist(), result["boxes"].tolist(), strict=True
                    )
                    if score >= threshold
                ]
            )
        return found


class TwoStageDetector(TorchvisionDetector):
    """Faster R-CNN, which first proposes regions and then classifies them. Cloaks can be optimised on it."""

    model: FasterRCNN

    def inputs(self, images: Tensor) -> Tensor:
        """Resize and normalise images to the backbone's input [B, 3, h, w]; differentiable."""
        batch, _ = self.model.transform(list(images))
        tensors: Tensor = batch.tensors.contiguous(memory_format=torch.channels_last)
        return tensors

    def look(self, images: Tensor) -> "Look":
        """Pass images through the backbone once; the result gives proposals and logits."""
        inputs = self.inputs(images)
        return Look(self.model, inputs, self.model.backbone(inputs))

    @torch.no_grad()
    def propose(self, images: Tensor) -> tuple[list[Proposals], list[Tensor]]:
        """Return the region proposals of each image, and the class probabilities [P, classes] there."""
        return self.look(images).proposed()

    def logits(self, images: Tensor, proposals: Sequence[Proposals]) -> list[Tensor]:
        """Return class logits [P, classes] over each image's given proposals; differentiable with respect to the images."""
        return self.look(images).logits(proposals)
