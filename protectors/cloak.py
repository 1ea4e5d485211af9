"""Cloaks a photo of any size: optimise at a working resolution, add the enlarged change to the native pixels, round.

The adversaries resize what they read, so a change made at their resolution and enlarged reaches them whole, and costs the
same for twelve megapixels as for one. Verdicts come from the pixels that are delivered.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.loading import (
    available,
    load_classifier,
    load_detector,
    load_encoder,
)
from protectors.base import Budget, Progress, Protector
from protectors.channels import jpeg
from protectors.generators import imported
from protectors.generators import load as load_generator
from protectors.manifest import Entry, entries, entry
from protectors.names import DEFAULT, PROTECTORS, VISUAL, is_visual
from protectors.objects import ObjectDisappearance
from protectors.optimisation import on_levels, within
from protectors.quality import as_pixels, as_tensor, psnr, ssim
from protectors.scene import MARGIN, SceneProtector
from protectors.search import SearchProtector
from protectors.visual import VisualProtector

ENCODERS = ("dsh48", "dbh48", "dpsh48")
AUXILIARY = "resnet18_cifar"
"""Stands for other eyes where a picture is spoilt for people."""

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

    protectors: tuple[str, ...] = DEFAULT
    strength: Strength = "balanced"
    sensitive: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.protectors if name not in PROTECTORS and not is_visual(name)]
        if unknown:
            raise ValueError(f"no protector is called {unknown[0]!r}; there are {', '.join(PROTECTORS)}")
        if not self.protectors:
            raise ValueError("a policy needs at least one protector")
        if len(self.protectors) > 1 and any(is_visual(name) for name in self.protectors):
            raise ValueError("visual leaves nothing to see, so it stands alone: choose it without others")
        if self.strength not in BUDGETS:
            raise ValueError(f"no strength is called {self.strength!r}; there are {', '.join(BUDGETS)}")


def pick_device(device: str) -> torch.device:
    """``auto`` is the GPU where there is one."""
    if device != "auto":
        return torch.device(device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def enlarged(change: Tensor, native: Tensor) -> Tensor:
    """A change or picture [1, 3, h, w] at the working resolution, at that of the native photo [1, 3, H, W]."""
    if change.shape == native.shape:
        return change
    return functional.interpolate(change, (native.shape[2], native.shape[3]), mode="bilinear", align_corners=False)


class Cloakroom:
    """The adversaries, loaded once, and the protectors against them."""

    def __init__(self, device: str = "auto", model_folder: Path | None = None) -> None:
        self._device = pick_device(device)
        self.device = str(self._device)
        self._folder = model_folder
        self._visuals: dict[str, VisualProtector] = {}
        """By the hash of the generator's weights, once they were asked for."""

        detector, classifier = (available(task, "adversary", model_folder) for task in ("objects", "scene"))
        self.detector = load_detector(detector, self._device, model_folder)
        self.classifier = load_classifier(classifier, self._device, model_folder)
        self.model_set = "full" if {detector.set, classifier.set} == {"full"} else "embedded"
        self.encoders = tuple(load_encoder(entry(name), self._device) for name in ENCODERS)
        self.working_side = detector.input_size

    @property
    def protectors(self) -> tuple[str, ...]:
        """The names that a policy may use: those that are built in, and the generators that were imported."""
        return (*PROTECTORS, *(f"{VISUAL}-{own.name}" for own in imported(self._folder)))

    def _visual(self, name: str) -> VisualProtector:
        """The protector of one generator, which is loaded when it is asked for.

        Raises:
            ValueError: no generator of that name was imported.
        """
        own: Entry | None = entry("unet_vgg13_bn_cifar")
        if name != VISUAL:
            own = next((made for made in imported(self._folder) if f"{VISUAL}-{made.name}" == name), None)
        if own is None:
            raise ValueError(f"no generator {name!r} was imported; there are {', '.join(self.protectors)}")
        if own.sha256 in self._visuals:
            return self._visuals[own.sha256]
        auxiliary = load_classifier(entry(AUXILIARY), self._device)
        # A service's manifest may name what it likes; only a reader that is embedded is taken at its word.
        here = [known for known in entries() if known.name == own.target and known.task == VISUAL and known.role != "generator"]
        target = load_classifier(here[0], self._device) if here else None
        self._visuals[own.sha256] = VisualProtector(load_generator(own, self._device), auxiliary, target)
        return self._visuals[own.sha256]

    def _protectors(self, policy: Policy, seed: int | None) -> list[Protector]:
        generator = torch.Generator()
        # P-FGSM's target must not be foretold: without a seed it comes from the system's randomness.
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed)
        if is_visual(policy.protectors[0]):
            return [self._visual(policy.protectors[0])]
        made: list[Protector] = []
        # The hardest first, the one that needs the fewest steps last.
        if "objects" in policy.protectors:
            made.append(ObjectDisappearance(self.detector, policy.sensitive))
        if "search" in policy.protectors:
            made.append(SearchProtector(self.encoders, generator))
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
            delivered = on_levels(self._at_native(outcome.images, originals, native, protectors, budget))
            # What replaces the photo is made anew each time, and no other protector has undone it.
            content = (verdict.protected for own in protectors for verdict in own.judge(native, delivered, surely=True))
            if not protectors[0].bounded or all(content):
                break
        return as_pixels(delivered)

    @staticmethod
    def _at_native(
        cloaked: Tensor, originals: Tensor, native: Tensor, protectors: Sequence[Protector], budget: Budget
    ) -> Tensor:
        """What was made at the working resolution, [1, 3, H, W] at the native one."""
        if not all(protector.bounded for protector in protectors):
            # Not as a change: the native photo's detail would show through.
            return enlarged(cloaked, native)
        return within(native + enlarged(cloaked - originals, native), native, budget.radius)

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
