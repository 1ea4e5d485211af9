"""Measures how many of the photos' objects a detector still finds: success and leakage over photos, and their quality.

Only photos count in which the detector found an object to hide. Success is the share of them in which a fresh detection on the
delivered file finds none; leakage is the number of such objects found afterwards over the number found before (Xue et al.,
SocialGuard, 2021, section 4: privacy-preserving success rate and leakage rate).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protectors.adversaries.reading import Detection
from protectors.evaluation.measurement import Figures
from protectors.objects import PUBLISHED_THRESHOLD

Found = tuple[Detection, ...]


@dataclass(frozen=True)
class Form:
    """One form of a photo: the detections before and after, and the quality as PSNR in dB and SSIM."""

    before: Found
    after: Found
    decibels: float
    likeness: float


def counted(found: Found, sensitive: tuple[str, ...], threshold: float = PUBLISHED_THRESHOLD) -> int:
    """Count the detected objects to hide; if ``sensitive`` is empty, all are to be hidden."""
    return sum(detection.score >= threshold and (not sensitive or detection.label in sensitive) for detection in found)


def privacy(forms: Sequence[Form], sensitive: tuple[str, ...], threshold: float = PUBLISHED_THRESHOLD) -> Figures:
    """Return success and leakage over the photos with an object to hide; no figures if there are none."""
    pairs = [(counted(form.before, sensitive, threshold), counted(form.after, sensitive, threshold)) for form in forms]
    pairs = [(before, after) for before, after in pairs if before]
    if not pairs:
        return {}
    return {
        "images": len(pairs),
        "success": float(np.mean([after == 0 for _, after in pairs])),
        "leakage": sum(after for _, after in pairs) / sum(before for before, _ in pairs),
    }


def quality(forms: Sequence[Form]) -> Figures:
    """Return the mean PSNR in dB and the mean SSIM of all forms."""
    return {
        "psnr": float(np.mean([form.decibels for form in forms])),
        "ssim": float(np.mean([form.likeness for form in forms])),
    }


def under(prefix: str, figures: Figures) -> Figures:
    """Put a prefix and a dot before the figures' keys."""
    return {f"{prefix}.{key}": value for key, value in figures.items()}
