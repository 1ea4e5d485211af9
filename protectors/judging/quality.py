"""The quality of a photo beside its original, which ``protectors.quality`` measures. Nothing here imports torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Quality:
    """PSNR in dB (infinite if nothing differs), SSIM and FSIM of a photo."""

    psnr: float
    ssim: float
    fsim: float

    def reaches(self, floor: "Quality") -> bool:
        """Return whether no measure is below the floor's."""
        return self.psnr >= floor.psnr and self.ssim >= floor.ssim and self.fsim >= floor.fsim

    def rounded(self) -> "Quality":
        """Return the measures rounded as in reports."""
        return Quality(round(self.psnr, 2), round(self.ssim, 4), round(self.fsim, 4))

    def as_json(self) -> dict[str, float | None]:
        """Return the measures by name. JSON has no infinity, so ``psnr`` is None if nothing differs."""
        told = self.rounded()
        return {"psnr": None if math.isinf(told.psnr) else told.psnr, "ssim": told.ssim, "fsim": told.fsim}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Quality":
        psnr = content["psnr"]
        return cls(math.inf if psnr is None else psnr, content["ssim"], content["fsim"])
