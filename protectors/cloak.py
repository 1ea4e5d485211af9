"""Cloaks a photo of any size: optimise at a working resolution, add the enlarged perturbation to the native pixels, round.

The adversaries resize what they read. A perturbation that was made at their resolution and enlarged therefore reaches them
whole, and costs the same for twelve megapixels as for one. A judge reads the pixels that are delivered.
"""

import math
from collections.abc import Generator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
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
from protectors.policy import BUDGETS, FLOORS, REFINEMENTS, Policy, RefinementBudget
from protectors.progress import Progress
from protectors.quality import as_levels, as_pixels, as_tensor
from protectors.refinement.generator import load_generator
from protectors.refinement.objective import NetworkObjective
from protectors.refinement.objectives import objectives_for
from protectors.refinement.photo import refined
from protectors.saving import Pixels, Save, SavedFile
from protectors.scene import MARGIN, SceneProtector
from protectors.search import SearchProtector
from protectors.together import Together
from protectors.visual_protectors import VisualProtectors


@dataclass(frozen=True)
class Cloaked:
    """A cloaked photo uint8 [H, W, 3]. ``file`` is the saved form that was found protected and above the quality floor."""

    pixels: Pixels
    file: SavedFile | None


class Cloakroom:
    """Loads the adversaries once, cloaks photos against them, and creates the judges of photos."""

    def __init__(self, device: str = "auto", model_folder: Path | None = None) -> None:
        self._device = pick_device(device)
        self.device = str(self._device)
        self.adversaries = load_adversaries(self._device, model_folder)
        self.visuals = VisualProtectors(self._device, model_folder)
        self.generator = load_generator(self._device) if self.adversaries.model_set == "pretrained" else None
        self._refinement: RefinementBudget | None = None
        self._seconds = math.inf

    def within(self, budget: RefinementBudget) -> "Cloakroom":
        """Return a Cloakroom of the same networks whose cloaks against pretrained ones take this budget at every strength."""
        made = copy(self)
        made._refinement = budget
        return made

    def limited_to(self, seconds: float | None) -> "Cloakroom":
        """Return a Cloakroom of the same networks that takes about so many seconds for a photo at the most; None is any.

        The limit holds against pretrained networks, and on the steps: a photo is fitted and judged in any case.
        """
        made = copy(self)
        made._seconds = math.inf if seconds is None else seconds
        return made

    @property
    def model_set(self) -> ModelSet:
        """The name of the adversaries' set."""
        return self.adversaries.model_set

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of objects that a person may choose to hide."""
        return self.adversaries.classes

    @property
    def protectors(self) -> tuple[str, ...]:
        """The protector names that a policy may use: the built-in ones, and one for each imported generator."""
        return (*PROTECTORS, *self.visuals.imported)

    def judge(self, policy: Policy, original: Pixels) -> Judge:
        """Return the judge of a photo uint8 [H, W, 3].

        Raises:
            ValueError: the policy names an unknown generator or class.
        """
        visual = policy.protectors[0] if is_visual(policy.protectors[0]) else None
        questions = self.visuals.get(visual).questions() if visual else questions_for(policy, self.adversaries)
        is_real = self.model_set == "pretrained" and visual is None
        return Judge(policy, original, questions, self._device, estimates_unseen=not is_real)

    def optimising(self, policy: Policy, seed: int | None, channels: ChannelSet) -> list[Optimising]:
        """Return the protectors of a policy: one for each detector and each classifier, and one for all encoders together.

        Raises:
            ValueError: a detector does not know a class that the policy names.
            TypeError: a detector is no two-stage one, so no cloak can be optimised on it.
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

    def objectives(self, policy: Policy, original: Tensor, chance: torch.Generator) -> list[NetworkObjective]:
        """Return the objectives of a policy against pretrained networks, for a photo at the working resolution."""
        return objectives_for(policy, self.adversaries, original, chance)

    def _working(self, photo: Pixels) -> Tensor:
        """Return the photo at the working resolution, resized as the detectors do; small photos are not resized."""
        height, width = photo.shape[:2]
        scale = self.adversaries.working_side / max(height, width)
        if scale > 0.8:
            return as_tensor(photo).to(self._device)
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        if self.adversaries.model_set == "pretrained":
            return resized(as_levels(photo).to(self._device), *size)
        return functional.interpolate(as_tensor(photo).to(self._device), size, mode="bilinear", align_corners=False)

    def cloak(
        self, judge: Judge, seed: int | None = None, saves: Sequence[Save] = (saved_as_jpeg,)
    ) -> Generator[Progress, None, Cloaked]:
        """Cloak the photo of a judge. Yields progress at every step; closing the generator cancels.

        ``saves`` are the ways to save the photo for delivery, in order of preference. The first file that is protected and
        above the quality floor is returned.
        """
        policy, original = judge.policy, judge.original
        if not is_visual(policy.protectors[0]):
            made = yield from self.cloaked(judge, seed, saves)
            return Cloaked(made.pixels, made.file)
        drawn = yield from self.visuals.get(policy.protectors[0]).protect(self._working(original), BUDGETS[policy.strength])
        # The picture itself is enlarged, not the perturbation: otherwise the native photo's detail would show through.
        return Cloaked(as_pixels(enlarged(drawn.images, (original.shape[0], original.shape[1]))), None)

    def cloaked(
        self, judge: Judge, seed: int | None = None, saves: Sequence[Save] = (saved_as_jpeg,)
    ) -> Generator[Progress, None, NativeResult]:
        """Optimise one cloak against all adversaries of a policy, for the photo of a judge.

        If no cloak both survives what sites do to a photo of that size and stays above the floor, optimisation continues for
        the delivered file alone. The site's verdict then says what is lost there.
        """
        policy = judge.policy
        originals, budget, floor = self._working(judge.original), BUDGETS[policy.strength], FLOORS[policy.strength]
        if self.adversaries.model_set == "pretrained":
            refinement, generator = self._refinement or REFINEMENTS[policy.strength], self.generator
            refinement = replace(refinement, seconds=min(refinement.seconds, self._seconds))
            chance = _chance(seed)
            objectives = partial(self.objectives, policy, originals, chance)
            return (yield from refined(originals, judge, objectives, chance, saves, refinement, generator))
        yield Progress("reading", 0, len(saves))
        good_saves = promising(judge.original, saves, floor)
        if not good_saves:
            # Saving alone takes this photo below its floor, so a minute of optimisation would be wasted.
            nothing = NativePerturbation(judge.original, torch.zeros_like(originals), budget.radius)
            return NativeResult(judge.original, nothing, 0.0, None)
        hardest = expected(max(judge.original.shape[:2]), max(originals.shape[2:]))
        images = originals
        for channels in dict.fromkeys((hardest, AS_IT_IS)):
            protectors = self.optimising(policy, seed, channels)
            objective = Together([protector.objective(originals, budget) for protector in protectors])
            images = (yield from optimise(originals, objective, budget, images)).unrounded
            for save in good_saves:
                perturbation, last = images - originals, save is good_saves[-1]
                made = yield from apply_at_native_size(
                    judge.original, perturbation, budget.radius, judge.is_protected, floor, save, last
                )
                if made.file is not None:
                    return made
            images, budget = self._within_floor(originals, images, budget, made.share)
        return made

    def _within_floor(self, originals: Tensor, images: Tensor, budget: Budget, share: float) -> tuple[Tensor, Budget]:
        """Return the images [1, 3, H, W] to continue from, and a budget that limits visibility to theirs.

        When the share of a perturbation that the floor allows does not fool the adversaries, the next round starts from that
        share. A new perturbation of full size would only be scaled down again, its useful parts as much as its useless ones.
        """
        if share >= 1:
            return images, budget
        noticed = share * float(VisibilityModel(originals).size(images - originals))
        return originals + share * (images - originals), replace(budget, noticeable=noticed)


def _chance(seed: int | None) -> torch.Generator:
    """Return a random generator. Without a seed it is seeded by the system, since P-FGSM's target must be unpredictable."""
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    return generator
