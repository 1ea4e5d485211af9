"""A detector as an adversary: what it finds, and, of one in two stages, differentiable scores over fixed region proposals."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.image_list import ImageList

from protectors.adversaries.reading import Detection, Reading


@dataclass(frozen=True)
class Proposals:
    """Region proposals of one image, [P, 4] (xyxy), in pixels of the detector's own input."""

    boxes: Tensor


@dataclass(frozen=True)
class Look:
    """The features that a model's backbone saw in ``inputs`` [B, 3, h, w], the images as it takes them."""

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
    """Return height and width, as torchvision wants them."""
    return int(inputs.shape[2]), int(inputs.shape[3])


NO_CLASSES = frozenset({"background", "__background__", "N/A"})
"""Labels that detectors have and that are no class of objects."""


class Detector(ABC):
    """A detector as an adversary. Images are float32 [B, 3, H, W] in [0, 1], of any size.

    ``classes`` are names by label, ``NO_CLASSES`` among them; ``threshold`` is the score from which on what it finds counts.
    """

    def __init__(self, name: str, classes: Sequence[str], threshold: float) -> None:
        self.name = name
        self.classes = tuple(classes)
        self.threshold = threshold

    @abstractmethod
    def detect(self, images: Tensor, threshold: float = 0.3) -> list[list[Detection]]:
        """Return the objects in each image with at least such a score; boxes in pixels of the images given."""

    def readings(self, images: Tensor) -> list[Reading]:
        """Return the objects found in each image that count: of at least the detector's own threshold."""
        found = self.detect(images, self.threshold)
        return [Reading(tuple(detection.label for detection in detections), tuple(detections)) for detections in found]

    def label(self, name: str) -> int:
        """The label of a class; ValueError names the classes there are."""
        known = [known for known in self.classes if known not in NO_CLASSES]
        if name not in known:
            raise ValueError(f"{self.name} knows no class {name!r}; it knows {', '.join(known)}")
        return self.classes.index(name)


class TorchvisionDetector(Detector):
    """Wraps one of torchvision's detectors, which resize images themselves; label 0 is the background."""

    def __init__(self, name: str, model: nn.Module, classes: Sequence[str], threshold: float) -> None:
        super().__init__(name, classes, threshold)
        # Colours last takes 10 to 15 % less time with AVX-512 and as long with AVX2. It is safe because the weights are frozen:
        # see protectors/training/memory_layout.py.
        self.model = model.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def detect(self, images: Tensor, threshold: float = 0.3) -> list[list[Detection]]:
        """Return what the detector finds, by its whole pipeline, in each image; boxes in pixels of the images given."""
        found = []
        for image in images:
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
    """Faster R-CNN, which first proposes regions and then says what is in them: what cloaks are made against."""

    model: FasterRCNN

    def inputs(self, images: Tensor) -> Tensor:
        """Return images as the backbone takes them, [B, 3, h, w], by the model's own resizing; differentiable."""
        batch, _ = self.model.transform(list(images))
        tensors: Tensor = batch.tensors.contiguous(memory_format=torch.channels_last)
        return tensors

    def look(self, images: Tensor) -> "Look":
        """Pass images through the backbone once; proposals and logits are then asked of the result."""
        inputs = self.inputs(images)
        return Look(self.model, inputs, self.model.backbone(inputs))

    @torch.no_grad()
    def propose(self, images: Tensor) -> tuple[list[Proposals], list[Tensor]]:
        """Return the region proposals that it looks at in each image, and its class probabilities [P, classes] there."""
        return self.look(images).proposed()

    def logits(self, images: Tensor, proposals: Sequence[Proposals]) -> list[Tensor]:
        """Class logits [P, classes] over each image's given proposals; differentiable with respect to the images."""
        return self.look(images).logits(proposals)
