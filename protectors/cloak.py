"""Cloaks a photo of any size: optimise at a working resolution, add the enlarged change to the native pixels, round.

The adversaries resize what they read, so a change made at their resolution and enlarged reaches them whole, and costs the
same for twelve megapixels as for one. Verdicts come from the pixels that are delivered.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
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
    load_encoder,
    load_two_stage,
)
from protectors.base import Budget, Progress, Protector, Verdict
from protectors.channel.exact import through_jpeg
from protectors.channel.family import AS_IT_IS, Family, expected
from protectors.channel.pipeline import Pipeline
from protectors.generators import imported
from protectors.generators import load as load_generator
from protectors.manifest import Entry, entries, entry
from protectors.names import DEFAULT, PROTECTORS, VISUAL, is_visual
from protectors.native import Brought, Change, Saved, brought, enlarged, promising
from protectors.objects import ObjectDisappearance
from protectors.optimisation import Optimising, optimise
from protectors.perception import Eye
from protectors.quality import Quality, as_pixels, as_tensor
from protectors.residency import Residency
from protectors.scene import MARGIN, SceneProtector
from protectors.search import SearchProtector
from protectors.together import Together
from protectors.visual import VisualProtector

ENCODERS = ("dsh48", "dbh48", "dpsh48")
AUXILIARY = "resnet18_cifar"
"""Stands for other eyes where a picture is spoilt for people."""

Strength = Literal["subtle", "balanced", "strong"]

BUDGETS: dict[Strength, Budget] = {
    "subtle": Budget(radius=4 / 255, steps=36, noticeable=0.3),
    "balanced": Budget(radius=8 / 255, steps=45, noticeable=0.45),
    "strong": Budget(radius=12 / 255, steps=54, noticeable=0.65),
}

FLOORS: dict[Strength, Quality] = {
    "subtle": Quality(psnr=38, ssim=0.98, fsim=0.993),
    "balanced": Quality(psnr=36, ssim=0.97, fsim=0.99),
    "strong": Quality(psnr=33, ssim=0.95, fsim=0.98),
}
"""Below these nothing is delivered: a change that would be is made smaller, and what that leaves unprotected is said."""


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


GENERATOR_BYTES = 512 * 1024 * 1024
"""Of generators that a service's sites chose: more of them than this are loaded anew when their site's turn comes."""


class Cloakroom:
    """The adversaries, loaded once, and the protectors against them."""

    def __init__(self, device: str = "auto", model_folder: Path | None = None) -> None:
        self._device = pick_device(device)
        self.device = str(self._device)
        self._folder = model_folder
        self._visuals: Residency[VisualProtector] = Residency(GENERATOR_BYTES)
        """By the hash of the generator's weights, once they were asked for."""

        detector, classifier = (available(task, "adversary", model_folder) for task in ("objects", "scene"))
        self.detector = load_two_stage(detector, self._device, model_folder)
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
        return self._visuals.get(own.sha256, own.bytes, lambda: self._load_visual(own))

    def _load_visual(self, own: Entry) -> VisualProtector:
        auxiliary = load_classifier(entry(AUXILIARY), self._device)
        # A service's manifest may name what it likes; only a reader that is embedded is taken at its word.
        here = [known for known in entries() if known.name == own.target and known.task == VISUAL and known.role != "generator"]
        target = load_classifier(here[0], self._device) if here else None
        return VisualProtector(load_generator(own, self._device), auxiliary, target)

    def _optimising(self, policy: Policy, seed: int | None, family: Family) -> list[Optimising]:
        generator = torch.Generator()
        # P-FGSM's target must not be foretold: without a seed it comes from the system's randomness.
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed)
        made: list[Optimising] = []
        if "objects" in policy.protectors:
            made.append(ObjectDisappearance(self.detector, policy.sensitive, rule="sparing", family=family))
        if "search" in policy.protectors:
            made.append(SearchProtector(self.encoders, generator, family=family))
        if "scene" in policy.protectors:
            made.append(SceneProtector(self.classifier, generator, MARGIN, family=family))
        return made

    def _judges(self, policy: Policy) -> list[Protector]:
        if is_visual(policy.protectors[0]):
            return [self._visual(policy.protectors[0])]
        return [*self._optimising(policy, 0, AS_IT_IS)]

    def _working(self, native: Tensor) -> Tensor:
        """The photo at the working resolution, sampled as detectors sample it; small photos stay as they are."""
        height, width = native.shape[2:]
        scale = self.working_side / max(height, width)
        if scale > 0.8:
            return native
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        return functional.interpolate(native, size, mode="bilinear", align_corners=False)

    def cloak(
        self, pixels: NDArray[np.uint8], policy: Policy, seed: int | None = None, saved: Sequence[Saved] = (through_jpeg,)
    ) -> Generator[Progress, None, NDArray[np.uint8]]:
        """Cloak uint8 [H, W, 3]; yields progress at every step and returns uint8 [H, W, 3]. Closing cancels.

        ``saved`` is what the photo becomes in each of the files that can be delivered, the dearest first: what is asked of it
        is asked of these, and the first that is good counts.
        """
        native = as_tensor(pixels).to(self._device)
        if is_visual(policy.protectors[0]):
            drawn = yield from self._visual(policy.protectors[0]).protect(self._working(native), BUDGETS[policy.strength])
            # Not as a change: the native photo's detail would show through.
            return as_pixels(enlarged(drawn.images, native))
        return (yield from self.cloaked(native, policy, seed, saved)).pixels

    def cloaked(
        self, native: Tensor, policy: Policy, seed: int | None = None, saved: Sequence[Saved] = (through_jpeg,)
    ) -> Generator[Progress, None, Brought]:
        """One cloak against all adversaries of a policy that optimises, for a photo [1, 3, H, W].

        Where it cannot survive what sites do to a photo of that size and stay above the floor, it goes on from there for the
        delivered file alone: the site's verdict then says what is lost there.
        """
        originals, budget, floor = self._working(native), BUDGETS[policy.strength], FLOORS[policy.strength]
        yield Progress("quality", 0, len(saved))
        ways = promising(as_pixels(native), saved, floor)
        if not ways:
            # Said at once rather than after a minute: saving alone changes this photo too much.
            return Brought(as_pixels(native), Change(native, torch.zeros_like(originals), budget.radius), 0.0, False)

        def contents(arrived: NDArray[np.uint8]) -> bool:
            return all(verdict.protected for verdict in self.verdicts(policy, native, as_tensor(arrived)))

        hardest = expected(max(native.shape[2:]), max(originals.shape[2:]))
        images = originals
        for family in dict.fromkeys((hardest, AS_IT_IS)):
            protectors = self._optimising(policy, seed, family)
            objective = Together([own.objective(originals, budget) for own in protectors])
            images = (yield from optimise(originals, objective, budget, images)).unrounded
            for way in ways:
                change, last = images - originals, way is ways[-1]
                made = yield from brought(native, change, budget.radius, contents, floor, way, last)
                if made.good:
                    return made
            images, budget = self._within_floor(originals, images, budget, made.share)
        return made

    def _within_floor(self, originals: Tensor, images: Tensor, budget: Budget, share: float) -> tuple[Tensor, Budget]:
        """Where a change made for images [1, 3, H, W] was too much for the floor, and its share that is not was too little for
        the adversaries: that share to go on from, and a budget that holds no more. Another change as large as the first would
        only be made fainter again, which leaves of it what is needed least as much as what is needed most."""
        if share >= 1:
            return images, budget
        noticed = share * float(Eye(originals).size(images - originals))
        return originals + share * (images - originals), replace(budget, noticeable=noticed)

    def judge(
        self,
        original: NDArray[np.uint8],
        delivered: NDArray[np.uint8],
        policy: Policy,
        channel: Pipeline | None = None,
    ) -> dict[str, Any]:
        """What the adversaries read in the delivered pixels (decoded from the bytes that will be sent), and their quality;
        and what they read in the file that a site makes of them, where its channel is known."""
        quality = Quality.of(original, delivered)
        largest = int(np.abs(original.astype(np.int16) - delivered).max())
        verdicts = self.verdicts(policy, as_tensor(original), as_tensor(delivered))
        pretty = is_visual(policy.protectors[0]) or quality.reaches(FLOORS[policy.strength])
        report: dict[str, Any] = {
            "protected": largest > 0 and pretty and all(verdict.protected for verdict in verdicts),
            "psnr": None if np.isinf(quality.psnr) else round(quality.psnr, 2),
            "ssim": round(quality.ssim, 4),
            "fsim": round(quality.fsim, 4),
            "floor": pretty,
            "max_difference": largest,
            "verdicts": [verdict.as_json() for verdict in verdicts],
        }
        if channel is not None:
            report |= self._site(policy, original, delivered, channel)
        return report

    def _site(
        self, policy: Policy, original: NDArray[np.uint8], delivered: NDArray[np.uint8], channel: Pipeline
    ) -> dict[str, Any]:
        """What is read in the file that a site makes; nothing where it can make none of a photo so long and narrow."""
        try:
            arrived = channel.exact(delivered)
        except (OSError, ValueError):
            return {}
        verdicts = self.verdicts(policy, as_tensor(original), as_tensor(arrived))
        changed = not np.array_equal(original, delivered)
        return {
            "site": {
                "channel": channel.name,
                "protected": changed and all(verdict.protected for verdict in verdicts),
                "verdicts": [verdict.as_json() for verdict in verdicts],
            }
        }

    def verdicts(self, policy: Policy, originals: Tensor, arrived: Tensor) -> list[Verdict]:
        """What the adversaries of a policy read in photos [1, 3, H, W] and in what became of them, of whatever size."""
        before, after = originals.to(self._device), arrived.to(self._device)
        return [verdict for own in self._judges(policy) for verdict in own.judge(before, after)]
