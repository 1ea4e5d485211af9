"""The quality of a photo beside its original, which ``protectors.quality`` measures. Nothing here imports torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Quality:
    """PSNR in dB (infinite if nothing differs), SSIM, FSIM and the mean colour difference CIEDE2000 of a photo.

    In a floor, they are the least allowed ones, and the largest allowed colour difference.
    """

    psnr: float
    ssim: float
    fsim: float
    delta_e: float

    def reaches(self, floor: "Quality") -> bool:
        """Return whether no measure is worse than the floor's."""
        looks_alike = self.psnr >= floor.psnr and self.ssim >= floor.ssim and self.fsim >= floor.fsim
        return looks_alike and self.delta_e <= floor.delta_e

    def rounded(self) -> "Quality":
        """Return the measures rounded as in reports."""
        return Quality(round(self.psnr, 2), round(self.ssim, 4), round(self.fsim, 4), round(self.delta_e, 2))

    def as_json(self) -> dict[str, float | None]:
        """Return the measures by name. JSON has no infinity, so ``psnr`` is None if nothing differs."""
        told = self.rounded()
        decibels = None if math.isinf(told.psnr) else told.psnr
        return {"psnr": decibels, "ssim": told.ssim, "fsim": told.fsim, "delta_e": told.delta_e}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Quality":
        psnr = content["psnr"]
        # Daemons that run since before an upgrade do not tell the colour difference.
        return cls(math.inf if psnr is None else psnr, content["ssim"], content["fsim"], content.get("delta_e", math.nan))
