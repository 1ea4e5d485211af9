"""Cloaks a photo of any size: optimise at a working resolution, add the enlarged perturbation to the native pixels, round.

The adversaries resize what they read, so a perturbation made at their resolution and enlarged reaches them whole, and costs the
same for twelve megapixels as for one. A judge says what is read in the pixels that are delivered.
"""

from collections.abc import Generator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.detector import TwoStageDetector
from protectors.adversaries.loaded import load_adversaries
from protectors.base import Budget
from protectors.channel.channel_set import AS_IT_IS, ChannelSet, expected
from protectors.channel.exact import saved_as_jpeg
from protectors.channel.resizing import resized
from protectors.device import pick_device
from protectors.judging.judge import Judge
from protectors.judging.question import questions_for
from protectors.manifest import ModelSet
from protectors.names import OBJECTS, PROTECTORS, SCENE, SEARCH, is_visual
from protectors.native import NativePerturbation, NativeResult, apply_at_native_size, enlarged, promising
from protectors.objects import ObjectDisappearance
from protectors.optimisation import Optimising, optimise
from protectors.perception import VisibilityModel
from protectors.policy import BUDGETS, FLOORS, ONE_EACH, REFINEMENTS, Policy, RefinementBudget
from protectors.progress import Progress
from protectors.quality import as_pixels, as_tensor
from protectors.refinement.generator import load_generator
from protectors.refinement.photo import refined
from protectors.saving import Save, SavedFile
from protectors.scene import MARGIN, SceneProtector
from protectors.search import SearchProtector
from protectors.together import Together
from protectors.visual_protectors import VisualProtectors


@dataclass(frozen=True)
class Cloaked:
    """A cloaked photo uint8 [H, W, 3]; ``file`` is how it was saved when it was found to be protected and above its floor."""

    pixels: NDArray[np.uint8]
    file: SavedFile | None


class Cloakroom:
    """The adversaries, loaded once; it cloaks photos against them, and makes the judges of photos."""

    def __init__(self, device: str = "auto", model_folder: Path | None = None) -> None:
        self._device = pick_device(device)
        self.device = str(self._device)
        self.adversaries = load_adversaries(self._device, model_folder)
        self.visuals = VisualProtectors(self._device, model_folder)
        self.generator = load_generator(self._device) if self.adversaries.model_set == "pretrained" else None
        self._refinement: RefinementBudget | None = None

    def hurried(self) -> "Cloakroom":
        """Return a room of the same networks that takes one step against each pretrained one: to check that photos go all the
        way through it."""
        made = copy(self)
        made._refinement = ONE_EACH
        return made

    @property
    def model_set(self) -> ModelSet:
        """The name of the set that the adversaries come from."""
        return self.adversaries.model_set

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of objects that a person may choose to hide."""
        return self.adversaries.classes

    @property
    def protectors(self) -> tuple[str, ...]:
        """The names that a policy may use: those that are built in, and the generators that were imported."""
        return (*PROTECTORS, *self.visuals.imported)

    def judge(self, policy: Policy, original: NDArray[np.uint8]) -> Judge:
        """Return the judge of a photo uint8 [H, W, 3].

        Raises:
            ValueError: the policy names a generator or a class that is not known here.
        """
        visual = policy.protectors[0] if is_visual(policy.protectors[0]) else None
        questions = self.visuals.get(visual).questions() if visual else questions_for(policy, self.adversaries)
        is_real = self.model_set == "pretrained" and visual is None
        return Judge(policy, original, questions, self._device, estimates_unseen=not is_real)

    def optimising(self, policy: Policy, seed: int | None, channels: ChannelSet) -> list[Optimising]:
        """Return the protectors of a policy, one for each network, or for each kind where a step takes in all of them.

        Raises:
            ValueError: a detector does not know a class that the policy names.
            TypeError: no cloak can be made against a detector, which should be a judge only.
        """
        generator = _chance(seed)
        against = self.adversaries.optimised
        made: list[Optimising] = []
        if OBJECTS in policy.protectors:
            for detector in against.detectors:
                if not isinstance(detector, TwoStageDetector):
                    raise TypeError(f"no cloak can be made against {detector.name}: make it a judge only")
                made.append(ObjectDisappearance(detector, policy.sensitive, rule="sparing", channels=channels))
        if SEARCH in policy.protectors and against.encoders:
            made.append(SearchProtector(against.encoders, generator, channels=channels))
        if SCENE in policy.protectors:
            made += [SceneProtector(classifier, generator, MARGIN, channels=channels) for classifier in against.classifiers]
        return made

    def _working(self, native: Tensor) -> Tensor:
        """Return the photo at the working resolution, sampled as its detectors sample it; small photos stay as they are."""
        height, width = native.shape[2:]
        scale = self.adversaries.working_side / max(height, width)
        if scale > 0.8:
            return native
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        if self.adversaries.model_set == "pretrained":
            return resized(native, *size)
        return functional.interpolate(native, size, mode="bilinear", align_corners=False)

    def cloak(
        self, judge: Judge, seed: int | None = None, saves: Sequence[Save] = (saved_as_jpeg,)
    ) -> Generator[Progress, None, Cloaked]:
        """Cloak the photo of a judge; yields progress at every step. Closing cancels.

        ``saves`` are the ways in which the photo can be delivered, the dearest first: the cloak is tried in each of these
        files, and the first that is good counts.
        """
        native, policy = as_tensor(judge.original).to(self._device), judge.policy
        if not is_visual(policy.protectors[0]):
            made = yield from self.cloaked(native, judge, seed, saves)
            return Cloaked(made.pixels, made.file)
        drawn = yield from self.visuals.get(policy.protectors[0]).protect(self._working(native), BUDGETS[policy.strength])
        # Not as a perturbation: the native photo's detail would show through.
        return Cloaked(as_pixels(enlarged(drawn.images, native)), None)

    def cloaked(
        self, native: Tensor, judge: Judge, seed: int | None = None, saves: Sequence[Save] = (saved_as_jpeg,)
    ) -> Generator[Progress, None, NativeResult]:
        """Make one cloak against all adversaries of a policy that optimises, for a photo [1, 3, H, W] and its judge.

        Where it cannot survive what sites do to a photo of that size and stay above the floor, it goes on from there for the
        delivered file alone: the site's verdict then says what is lost there.
        """
        policy = judge.policy
        originals, budget, floor = self._working(native), BUDGETS[policy.strength], FLOORS[policy.strength]
        if self.adversaries.model_set == "pretrained":
            refinement, generator = self._refinement or REFINEMENTS[policy.strength], self.generator
            return (yield from refined(native, originals, judge, self.adversaries, _chance(seed), saves, refinement, generator))
        yield Progress("quality", 0, len(saves))
        good_saves = promising(judge.original, saves, floor)
        if not good_saves:
            # Said at once rather than after a minute: saving alone changes this photo too much.
            nothing = NativePerturbation(native, torch.zeros_like(originals), budget.radius)
            return NativeResult(judge.original, nothing, 0.0, None)
        hardest = expected(max(native.shape[2:]), max(originals.shape[2:]))
        images = originals
        for channels in dict.fromkeys((hardest, AS_IT_IS)):
            protectors = self.optimising(policy, seed, channels)
            objective = Together([own.objective(originals, budget) for own in protectors])
            images = (yield from optimise(originals, objective, budget, images)).unrounded
            for save in good_saves:
                perturbation, last = images - originals, save is good_saves[-1]
                made = yield from apply_at_native_size(
                    native, perturbation, budget.radius, judge.is_protected, floor, save, last
                )
                if made.file is not None:
                    return made
            images, budget = self._within_floor(originals, images, budget, made.share)
        return made

    def _within_floor(self, originals: Tensor, images: Tensor, budget: Budget, share: float) -> tuple[Tensor, Budget]:
        """Return the images [1, 3, H, W] to go on from, and a budget that lets no more be noticed than they have.

        Where a perturbation was too much for the floor, and its share that is not was too little for the adversaries, that
        share is gone on from. Another perturbation as large as the first would only be made fainter again, which leaves of it
        what is needed least as much as what is needed most.
        """
        if share >= 1:
            return images, budget
        noticed = share * float(VisibilityModel(originals).size(images - originals))
        return originals + share * (images - originals), replace(budget, noticeable=noticed)


def _chance(seed: int | None) -> torch.Generator:
    """Return the source of what is drawn at random.

    P-FGSM's target must not be foretold: without a seed, it comes from the system's randomness.
    """
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    return generator
