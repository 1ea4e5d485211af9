"""Measures how a cloaked photo looks beside its original, with measures that no cloak is optimised on.

- CIEDE2000 (Sharma, Wu, Dalal, 2005), the colour difference, which FSIM ignores, computed by scikit-image;
- SSIMULACRA 2 (Sneyers, 2022), computed by its package on PyPI: 90 is hardly distinguishable, 70 is high quality;
- FLIP (Andersson and others, 2020), the difference that people see when flipping between two pictures, by NVIDIA's package.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from protectors.evaluation.extra import needed
from protectors.saving import Pixels


@dataclass(frozen=True)
class Appearance:
    """CIEDE2000 (mean, 99th percentile and largest over pixels), SSIMULACRA 2 (100 means equal) and FLIP (0 means equal)."""

    delta_e: float
    delta_e_99: float
    delta_e_max: float
    ssimulacra2: float
    flip: float


def appearance(original: Pixels, delivered: Pixels) -> Appearance:
    """Compare two photos uint8 [H, W, 3].

    Raises:
        MissingExtraError: a package of the ``evaluate`` extra is not installed.
    """
    colour = needed("skimage.color")
    differences = colour.deltaE_ciede2000(colour.rgb2lab(original), colour.rgb2lab(delivered))
    one, two = (photo.astype(np.float32) / 255 for photo in (original, delivered))
    _, flip, _ = needed("flip_evaluator").evaluate(one, two, "LDR", applyMagma=False)
    return Appearance(
        float(differences.mean()),
        float(np.percentile(differences, 99)),
        float(differences.max()),
        _ssimulacra2(original, delivered),
        float(flip),
    )


def _ssimulacra2(original: Pixels, delivered: Pixels) -> float:
    # The package reads files.
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.png" for name in ("original", "delivered")]
        for path, photo in zip(paths, (original, delivered), strict=True):
            Image.fromarray(photo).save(path, compress_level=1)
        return float(needed("ssimulacra2").compute_ssimulacra2(str(paths[0]), str(paths[1])))
