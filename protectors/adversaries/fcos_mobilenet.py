"""A second embedded detector, for judging only: torchvision's FCOS, one-stage and anchor-free, on a small MobileNet.

No cloak is optimised on it, so that it stands for unknown detectors.
"""

from torchvision.models import mobilenet_v3_small
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.detection import FCOS
from torchvision.models.detection.anchor_utils import AnchorGenerator

from protectors.adversaries.embedded_detector import CLASSES, STRIDES, PyramidBackbone

TAKEN = {"3": "0", "8": "1", "11": "2"}
"""The last blocks of MobileNetV3-Small (Howard et al., 2019) at strides 8, 16 and 32, by the names of their maps."""

WIDTHS = (24, 48, 96)
PYRAMID_CHANNELS = 64


def build_fcos(smallest_side: int = 336, longest_side: int = 416) -> FCOS:
    """Return FCOS (Tian et al., 2019) over the embedded detector's classes, without weights; label 0 (background) is unused.

    The model resizes photos to at most the given sides in pixels, about those that it was trained on.
    """
    body = IntermediateLayerGetter(mobilenet_v3_small(weights=None).features, TAKEN)
    return FCOS(
        PyramidBackbone(body, WIDTHS, PYRAMID_CHANNELS),
        len(CLASSES) + 1,
        min_size=smallest_side,
        max_size=longest_side,
        # One square of the stride's size at each place: not an anchor, but the unit of the predicted distances.
        anchor_generator=AnchorGenerator(tuple((stride,) for stride in STRIDES), ((1.0,),) * len(STRIDES)),
        score_thresh=0.05,
        topk_candidates=300,
    )
