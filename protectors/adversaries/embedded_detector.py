"""The embedded detector's architecture: torchvision's Faster R-CNN on DenseResNet with a small feature pyramid."""

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import FeaturePyramidNetwork

from protectors.adversaries.dense_resnet import DenseResNet
from protectors.adversaries.separable_roi_align import SeparableRoIPool

CLASSES = ("person", "vehicle", "animal", "furnishing", "item")
STRIDES = (8, 16, 32)
PYRAMID_CHANNELS = 112
REPRESENTATION = 512
ANCHOR_SIZES = ((10, 17, 29), (46, 70, 105), (150, 220, 330))


class PyramidBackbone(nn.Module):
    """A body with a feature pyramid (Lin et al., 2017) over its maps of the given widths, at strides 8, 16 and 32."""

    def __init__(self, body: nn.Module, widths: Sequence[int], channels: int) -> None:
        super().__init__()
        self.body = body
        self.pyramid = FeaturePyramidNetwork(list(widths), channels)
        self.out_channels = channels

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        maps: OrderedDict[str, Tensor] = self.pyramid(self.body(images))
        return maps


def build_detector(smallest_side: int = 336, longest_side: int = 416) -> FasterRCNN:
    """Return Faster R-CNN (Ren et al., 2015) over five classes, without weights; label 0 is the background.

    The model resizes photos to at most the given sides in pixels, about those that it was trained on.
    """
    body = DenseResNet()
    ratios = ((0.5, 1.0, 2.0),) * len(ANCHOR_SIZES)
    model = FasterRCNN(
        PyramidBackbone(body, body.widths[1:], PYRAMID_CHANNELS),
        min_size=smallest_side,
        max_size=longest_side,
        rpn_anchor_generator=AnchorGenerator(ANCHOR_SIZES, ratios),
        box_head=TwoMLPHead(PYRAMID_CHANNELS * 7 * 7, REPRESENTATION),
        box_predictor=FastRCNNPredictor(REPRESENTATION, len(CLASSES) + 1),
        rpn_pre_nms_top_n_train=800,
        rpn_post_nms_top_n_train=400,
        rpn_pre_nms_top_n_test=600,
        rpn_post_nms_top_n_test=300,
        rpn_batch_size_per_image=192,
        box_batch_size_per_image=128,
        box_score_thresh=0.05,
        box_detections_per_img=100,
    )
    # The constructor accepts only torchvision's pooling, whose backward is slow on CPUs, so it is replaced here.
    model.roi_heads.box_roi_pool = SeparableRoIPool(STRIDES)
    return model
