"""BRISQUE, a measure of how unnatural a photo looks that needs no original; lower is better.

Source: Mittal, Moorthy, Bovik, "No-reference image quality assessment in the spatial domain" (IEEE Transactions on Image
Processing, 2012), computed by the ``brisque`` package with its trained model.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protectors.evaluation.extra import needed
from protectors.saving import Pixels


def brisque(pixels: Pixels) -> float:
    """Return the score of one photo uint8 [H, W, 3] in RGB: about 0 to 100, and slightly negative for the best photos.

    Raises:
        MissingExtraError: the package is not installed.
        ValueError: the photo has no natural scene statistics, such as a photo of one colour.
    """
    # A flat photo causes divisions by zero before the ValueError.
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
