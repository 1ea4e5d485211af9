"""COCO's 80 classes (Lin et al., 2014), and named groups of them that a person can choose."""

from collections.abc import Iterable

from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from protectors.adversaries.detector import NO_CLASSES

WITH_GAPS: tuple[str, ...] = tuple(FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"])
"""The 91 labels of detectors that keep COCO's numbering: the background, 80 classes, and "N/A" for unused numbers."""

CLASSES: tuple[str, ...] = tuple(name for name in WITH_GAPS if name not in NO_CLASSES)
"""The 80 names, in COCO's order."""

VEHICLES = ("bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat")
ANIMALS = ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe")
FURNISHINGS = (
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "microwave",
    "oven",
    "sink",
    "refrigerator",
)

GROUPS: dict[str, tuple[str, ...]] = {
    "person": ("person", "face"),
    "vehicle": VEHICLES,
    "pet": ("cat", "dog", "bird"),
    "animal": ANIMALS,
    "screen": ("tv", "laptop", "cell phone"),
    "furnishing": FURNISHINGS,
    "item": tuple(name for name in CLASSES if name not in {"person", *VEHICLES, *ANIMALS, *FURNISHINGS}),
}
"""Names for groups of classes. Some of them are classes of a detector, which then means its own class only."""


def expanded(names: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Expand names of classes or groups to the classes that a detector knows.

    Raises:
        ValueError: the detector knows no class of one of the names; the text lists those it knows.
    """
    classes = tuple(name for name in known if name not in NO_CLASSES)
    chosen: dict[str, None] = {}
    for name in names:
        if not (meant := known_of([name], classes)):
            raise ValueError(f"the detector knows no class {name!r}; it knows {', '.join(classes)}")
        chosen |= dict.fromkeys(meant)
    return tuple(chosen)


def known_of(names: Iterable[str], classes: Iterable[str]) -> tuple[str, ...]:
    """Return those of a detector's classes that names of classes or groups mean; none if it knows none of them."""
    known = tuple(classes)
    chosen: dict[str, None] = {}
    for name in names:
        chosen |= dict.fromkeys([name] if name in known else [member for member in GROUPS.get(name, ()) if member in known])
    return tuple(chosen)
