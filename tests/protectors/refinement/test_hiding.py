"""Tests Object Disappearance's objective against real detectors, on photos of odd proportions."""

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from protectors.adversaries.one_stage import OneStageDetector
from protectors.cloak import Cloakroom
from protectors.quality import as_tensor
from protectors.refinement.hiding import ObjectHiding
from protectors.refinement.views import View
from tests.pretrained import FOLDER, needs_networks

pytestmark = needs_networks


@pytest.fixture(scope="module")
def detectors() -> list[OneStageDetector]:
    return [one for one in Cloakroom("cpu", FOLDER).adversaries.optimised.detectors if isinstance(one, OneStageDetector)]


@pytest.mark.parametrize("height", [351, 352, 353, 367, 368, 369, 400, 511])
def test_a_view_of_any_scale_has_the_cells_of_the_photo(height: int, detectors: list[OneStageDetector]) -> None:
    original = as_tensor(np.ascontiguousarray(astronaut()[:height]))
    for detector in detectors:
        objective = ObjectHiding(detector, original)
        for scale in (0.6, 0.61, 0.73, 0.87, 0.99, 1.0):
            aim = objective.aim(View(scale, "bilinear", None).of(original))
            assert torch.isfinite(aim.loss), (detector.name, scale)
