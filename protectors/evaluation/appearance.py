"""How a cloaked photo looks beside its original, by measures that no cloak is optimised on.

- CIEDE2000 (Sharma, Wu, Dalal, 2005), the difference of colour that FSIM does not see, as scikit-image has it;
- SSIMULACRA 2 (Sneyers, 2022), of which 90 is hardly told from the original and 70 is of high quality, as its package on PyPI;
- FLIP (Andersson and others, 2020), the difference that people see when they flip between two pictures, as NVIDIA's package.
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
    """CIEDE2000 (mean, 99th percentile and largest over pixels), SSIMULACRA 2 (100 is the same) and FLIP (0 is the same)."""

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
