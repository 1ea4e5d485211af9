"""COCO's 80 classes (Lin et al., 2014) and the groups that a person chooses by."""

from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

WITH_GAPS: tuple[str, ...] = tuple(FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"])
"""The 91 labels of detectors that keep COCO's own numbers: the background, 80 classes, and "N/A" for the unused numbers."""

UNUSED = frozenset({"__background__", "N/A"})

CLASSES: tuple[str, ...] = tuple(name for name in WITH_GAPS if name not in UNUSED)
"""The 80 names, in COCO's order."""
