"""A second make of detector, for judging only: torchvision's FCOS, in one stage and without anchors, on a small MobileNet.

No cloak is made against it, so that it stands for detectors that nobody here has ever seen.
"""

from torchvision.models import mobilenet_v3_small
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.detection import FCOS
from torchvision.models.detection.anchor_utils import AnchorGenerator

from protectors.adversaries.embedded_detector import CLASSES, STRIDES, PyramidBackbone

TAKEN = {"3": "0", "8": "1", "11": "2"}
"""MobileNetV3-Small's (Howard et al., 2019) last blocks at strides 8, 16 and 32; the rest classifies whole photos."""

WIDTHS = (24, 48, 96)
PYRAMID_CHANNELS = 64


def build_fcos(smallest_side: int = 336, longest_side: int = 416) -> FCOS:
    """FCOS (Tian et al., 2019) over the embedded detector's classes, without weights; label 0, the background, is never given.

    Photos are resized by the model itself, to at most the given sides in pixels: about what it was trained on.
    """
    body = IntermediateLayerGetter(mobilenet_v3_small(weights=None).features, TAKEN)
    return FCOS(
        PyramidBackbone(body, WIDTHS, PYRAMID_CHANNELS),
        len(CLASSES) + 1,
        min_size=smallest_side,
        max_size=longest_side,
        # One square a place, as large as its stride: not an anchor but the unit that distances are told in.
        anchor_generator=AnchorGenerator(tuple((stride,) for stride in STRIDES), ((1.0,),) * len(STRIDES)),
        score_thresh=0.05,
        topk_candidates=300,
    )
