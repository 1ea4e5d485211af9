"""BRISQUE: how unnatural a photo looks, without a look at the original; lower is better.

Source: Mittal, Moorthy, Bovik, "No-reference image quality assessment in the spatial domain" (IEEE Transactions on Image
Processing, 2012), as the ``brisque`` package has it with its trained model.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protectors.evaluation.extra import needed
from protectors.saving import Pixels


def brisque(pixels: Pixels) -> float:
    """The score of one photo uint8 [H, W, 3] in RGB: about 0 to 100, somewhat below for the best of photos.

    Raises:
        MissingExtraError: the package is not installed.
        ValueError: the photo has no statistics to judge by, as one colour all over has none.
    """
    # A flat photo divides by zero on its way to the ValueError.
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(_model().score(pixels))


@cache
def _model() -> Any:
    model = needed("brisque").BRISQUE()
    scaled = model.scale_features

    def scale_features(features: Sequence[Any]) -> NDArray[np.float64]:
        # The package (0.2.0) leaves some features as arrays of one element, which NumPy 2.4 no longer takes for numbers.
        numbers = [np.asarray(feature).item() for feature in features]
        if not np.isfinite(numbers).all():
            raise ValueError("the photo has no natural scene statistics: it is one colour all over, or too small")
        result: NDArray[np.float64] = scaled(numbers)
        return result

    model.scale_features = scale_features
    return model
