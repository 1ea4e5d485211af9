"""Cloaks a photo of any size: optimise at a working resolution, add the enlarged change to the native pixels, round.

The adversaries resize what they read, so a change made at their resolution and enlarged reaches them whole, and costs the
same for twelve megapixels as for one. Verdicts come from the pixels that are delivered.
"""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.loading import available, load_classifier, load_detector
from protectors.base import Budget, Progress, Protector
from protectors.channels import jpeg
from protectors.objects import ObjectDisappearance
from protectors.optimisation import on_levels, within
from protectors.quality import as_pixels, as_tensor, psnr, ssim
from protectors.scene import MARGIN, SceneProtector

PROTECTORS = ("objects", "scene")

Strength = Literal["subtle", "balanced", "strong"]

BUDGETS: dict[Strength, Budget] = {
    "subtle": Budget(radius=4 / 255, steps=24),
    "balanced": Budget(radius=8 / 255, steps=30),
    "strong": Budget(radius=12 / 255, steps=45),
}


ROUNDS = 3
"""How often all protectors have their turn on one photo at the most."""


@dataclass(frozen=True)
class Policy:
    """What a person wants for a photo. ``sensitive`` names detector classes to be read as others; empty hides all."""

    protectors: tuple[str, ...] = PROTECTORS
    strength: Strength = "balanced"
    sensitive: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.protectors if name not in PROTECTORS]
        if unknown:
            raise ValueError(f"no protector is called {unknown[0]!r}; there are {', '.join(PROTECTORS)}")
        if not self.protectors:
            raise ValueError("a policy needs at least one protector")
        if self.strength not in BUDGETS:
            raise ValueError(f"no strength is called {self.strength!r}; there are {', '.join(BUDGETS)}")


def pick_device(device: str) -> torch.device:
    """``auto`` is the GPU where there is one."""
    if device != "auto":
        return torch.device(device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def enlarged(change: Tensor, native: Tensor) -> Tensor:
    """A change [1, 3, h, w] at the working resolution, at that of the native photo [1, 3, H, W]."""
    if change.shape == native.shape:
        return change
    return functional.interpolate(change, (native.shape[2], native.shape[3]), mode="bilinear", align_corners=False)


class Cloakroom:
    """The adversaries, loaded once, and the protectors against them."""

    def __init__(self, device: str = "auto", model_folder: Path | None = None) -> None:
        self._device = pick_device(device)
        self.device = str(self._device)
        detector, classifier = (available(task, "adversary", model_folder) for task in PROTECTORS)
        self.detector = load_detector(detector, self._device, model_folder)
        self.classifier = load_classifier(classifier, self._device, model_folder)
        self.models = (detector.name, classifier.name)
        self.model_set = "full" if {detector.set, classifier.set} == {"full"} else "embedded"
        self.protectors = PROTECTORS
        self.working_side = detector.input_size

    def _protectors(self, policy: Policy, seed: int | None) -> list[Protector]:
        generator = torch.Generator()
        # P-FGSM's target must not be foretold: without a seed it comes from the system's randomness.
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed)
        made: list[Protector] = []
        # The hardest first, the one that needs the fewest steps last.
        if "objects" in policy.protectors:
            made.append(ObjectDisappearance(self.detector, policy.sensitive))
        if "scene" in policy.protectors:
            made.append(SceneProtector(self.classifier, generator, MARGIN, channel=jpeg))
        return made

    def _working(self, native: Tensor) -> Tensor:
        """The photo at the working resolution, sampled as detectors sample it; small photos stay as they are."""
        height, width = native.shape[2:]
        scale = self.working_side / max(height, width)
        if scale > 0.8:
            return native
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        return functional.interpolate(native, size, mode="bilinear", align_corners=False)

    def cloak(
        self, pixels: NDArray[np.uint8], policy: Policy, seed: int | None = None
    ) -> Generator[Progress, None, NDArray[np.uint8]]:
        """Cloak uint8 [H, W, 3]; yields progress at every step and returns uint8 [H, W, 3]. Closing cancels."""
        native = as_tensor(pixels).to(self._device)
        originals = self._working(native)
        budget = BUDGETS[policy.strength]
        protectors = self._protectors(policy, seed)
        cloaked: Tensor | None = None
        delivered = native
        # One protector's steps can undo another's, and enlarging or rounding can undo a little of both: rounds go on, each
        # from the last one's result, until a fresh reading of the native pixels contents all of them, with the room that
        # saving as JPEG takes.
        for _ in range(ROUNDS):
            for protector in protectors:
                outcome = yield from protector.protect(originals, budget, cloaked)
                cloaked = outcome.images
            change = enlarged(outcome.images - originals, native)
            delivered = on_levels(within(native + change, native, budget.radius))
            if all(verdict.protected for own in protectors for verdict in own.judge(native, delivered, surely=True)):
                break
        return as_pixels(delivered)

    def judge(self, original: NDArray[np.uint8], delivered: NDArray[np.uint8], policy: Policy) -> dict[str, Any]:
        """What the adversaries read in the delivered pixels (decoded from the bytes that will be sent), and their quality."""
        before, after = as_tensor(original).to(self._device), as_tensor(delivered).to(self._device)
        verdicts = [verdict for own in self._protectors(policy, 0) for verdict in own.judge(before, after)]
        decibels = psnr(original, delivered)
        largest = int(np.abs(original.astype(np.int16) - delivered).max())
        return {
            "protected": largest > 0 and all(verdict.protected for verdict in verdicts),
            "psnr": None if np.isinf(decibels) else round(decibels, 2),
            "ssim": round(ssim(original, delivered), 4),
            "max_difference": largest,
            "verdicts": [verdict.as_json() for verdict in verdicts],
        }
