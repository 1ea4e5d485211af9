"""Object Disappearance: photos in which a detector finds nothing (M_all), or takes chosen classes for others (M_sen).

Source: Xue, Sun, Wu, He, Wang, Liu, "SocialGuard: An adversarial example based privacy-preserving technique for social
images" (2021), Algorithm 1. Two rules are offered. ``published`` keeps the region proposals of the clean photo throughout
and stops once every score on them is below the detection threshold. A detector shown the result makes new proposals,
though, and finds most objects again; ``refreshed``, ours and the default, follows it: new proposals every few
steps, a lower threshold, and a stop rule that is itself a fresh reading of the 8-bit picture.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.detector import Detector, Proposals
from protectors.base import Budget, Outcome, Progress, Protector, Verdict
from protectors.optimisation import optimise, shaped_step

PUBLISHED_THRESHOLD = 0.3
"""T of Algorithm 1, and the score from which a detection counts in every verdict."""

SURE_THRESHOLD = 0.2
"""What scores below this stays below the published threshold when the photo is saved as JPEG."""

FOREMOST = 128
"""Proposals an image that the refreshed rule pushes between two refreshes."""

REMEMBERED = 384
"""Proposals an image that are pushed at once, fresh and earlier ones together."""

SURENESS = 6
"""The power of a proposal's class probability that it is pushed with."""

Rule = Literal["published", "refreshed"]


@dataclass(frozen=True)
class Settings:
    """``pushed``: proposals whose class probability is at least this are pushed down; ``quiet``: the loop ends once all are
    below this; ``refresh``: steps between new proposals (0: never); ``least_steps``: steps made even where the detector saw
    nothing, so that a weak detector's blindness is not relied on.
    """

    pushed: float
    quiet: float
    refresh: int
    least_steps: int


SETTINGS: dict[Rule, Settings] = {
    "published": Settings(pushed=PUBLISHED_THRESHOLD, quiet=PUBLISHED_THRESHOLD, refresh=0, least_steps=0),
    "refreshed": Settings(pushed=0.03, quiet=0.15, refresh=3, least_steps=3),
}


def joined(new: Proposals, old: Proposals) -> Proposals:
    """The new proposals and as many of the old ones as are remembered."""
    return Proposals(torch.cat([new.boxes, old.boxes])[:REMEMBERED])


class Disappearance:
    """The objective of one batch. ``sensitive`` holds labels; empty means that everything is to vanish (M_all).

    ``radius`` bounds each update of the published rule (Algorithm 1 clamps the update, not only the sum).
    """

    stage = "objects"
    shrinks = False

    def __init__(
        self,
        detector: Detector,
        originals: Tensor,
        sensitive: Sequence[int],
        read_as: int | None,
        rule: Rule,
        radius: float,
    ) -> None:
        self.detector = detector
        self.settings = SETTINGS[rule]
        self.rule = rule
        self.radius = radius
        self.sensitive = tuple(sensitive)
        # The refreshed rule makes its own before its first step; the published one keeps those of the clean photo.
        nowhere = Proposals(originals.new_zeros((0, 4)))
        self.proposals = [nowhere] * len(originals) if self.settings.refresh else detector.propose(originals)[0]
        """What is pushed: fresh proposals first, then earlier ones, lest the detector go back to what it just left."""
        self.momentum = torch.zeros_like(originals)
        # Hiding everything replaces nothing, and needs no pre-detection for it.
        self.replacements = self._replacements(originals, read_as) if self.sensitive else []

    def _replacements(self, originals: Tensor, read_as: int | None) -> list[tuple[int, ...]]:
        """The non-sensitive labels that take a sensitive one's place, by image (y_non of Algorithm 1).

        The pre-detection's own non-sensitive classes come first, so that the photo reads as plausible; where it has
        none, all non-sensitive classes serve.
        """
        if read_as is not None:
            return [(read_as,)] * len(originals)
        others = tuple(label for label in range(1, len(self.detector.classes)) if label not in self.sensitive)
        chosen = []
        for own in self.detector.detect(originals, PUBLISHED_THRESHOLD):
            present = {self.detector.classes.index(detection.label) for detection in own}
            chosen.append(tuple(label for label in others if label in present) or others)
        return chosen

    def _threatening(self, probabilities: Tensor) -> Tensor:
        """The largest probability [P] of a class that must not be read at each proposal."""
        labels = list(self.sensitive) if self.sensitive else slice(1, None)
        return probabilities[:, labels].amax(1)

    def loss(self, images: Tensor, step: int) -> Tensor:
        published = self.rule == "published"
        losses = []
        for index, logits in enumerate(self.detector.logits(images, self.proposals)):
            threat = self._threatening(functional.softmax(logits.detach(), 1))
            own = self._published_loss(logits, index, step) if published else self._lead(logits, index)
            losses.append((own * self._weight(threat)).sum())
        return torch.stack(losses)

    def _weight(self, threat: Tensor) -> Tensor:
        """How hard each proposal is pushed: evenly above the threshold as published; ours by the surest, as they decide.

        Photo-filling proposals have faint gradients beside those of small ones: evenly pushed, they would never fall.
        """
        above = (threat >= self.settings.pushed).float()
        return above if self.rule == "published" else above * threat**SURENESS + 1e-6

    def _published_loss(self, logits: Tensor, index: int, step: int) -> Tensor:
        """Cross-entropy [P] to the background, or to the non-sensitive classes in turn, one an iteration (Algorithm 1)."""
        labels = self.replacements[index] if self.sensitive else (0,)
        target = torch.full((len(logits),), labels[step % len(labels)], device=logits.device)
        return functional.cross_entropy(logits, target, reduction="none")

    def _lead(self, logits: Tensor, index: int) -> Tensor:
        """By how much [P], in log-odds, what must not be read leads over what may be read in its place.

        Unlike cross-entropy its gradient does not fade as the lead shrinks, and it cares for no other class.
        """
        if not self.sensitive:
            return logits[:, 1:].logsumexp(1) - logits[:, 0]
        others = [0, *self.replacements[index]]
        return logits[:, list(self.sensitive)].logsumexp(1) - logits[:, others].logsumexp(1)

    @torch.no_grad()
    def finished(self, images: Tensor, step: int) -> Tensor:
        settings = self.settings
        if not settings.refresh:
            scores = [functional.softmax(own, 1) for own in self.detector.logits(images, self.proposals)]
        elif step % settings.refresh == 0:
            fresh, scores = self.detector.propose(images)
            foremost = [self._foremost(*own) for own in zip(fresh, scores, strict=True)]
            self.proposals = [joined(new, old) for new, old in zip(foremost, self.proposals, strict=True)]
        else:
            return torch.zeros(len(images), dtype=torch.bool, device=images.device)
        quiet = [not len(own) or bool(self._threatening(own).amax() < settings.quiet) for own in scores]
        return torch.tensor(quiet, device=images.device) & (step >= settings.least_steps)

    def _foremost(self, proposals: Proposals, scores: Tensor) -> Proposals:
        """The proposals that threaten most: the others' gradients cost time and change nothing."""
        count = min(FOREMOST, len(scores))
        return Proposals(proposals.boxes[self._threatening(scores).topk(count).indices])

    def update(self, gradient: Tensor, step: int) -> Tensor:
        if self.rule == "published":
            largest = gradient.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
            # Algorithm 1 clamps each update to the budget; scaled by its largest entry it fills that, and needs no clamp.
            return gradient / largest * self.radius
        # Momentum as in Dong et al. (Boosting adversarial attacks with momentum, 2018), equation 6.
        self.momentum = 0.7 * self.momentum + gradient / gradient.abs().mean((1, 2, 3), keepdim=True).clamp(min=1e-12)
        return shaped_step(self.momentum)


class ObjectDisappearance(Protector):
    """Hides objects from a detector. ``sensitive`` names classes to be read as others (M_sen); empty hides all (M_all)."""

    name = "objects"

    def __init__(
        self,
        detector: Detector,
        sensitive: Sequence[str] = (),
        read_as: str | None = None,
        rule: Rule = "refreshed",
    ) -> None:
        self.detector = detector
        self.sensitive = tuple(detector.label(name) for name in sensitive)
        self.read_as = None if read_as is None else detector.label(read_as)
        if self.read_as in self.sensitive:
            raise ValueError(f"{read_as!r} is itself a sensitive class: choose another to be read in its place")
        if len(self.sensitive) == len(detector.classes) - 1:
            raise ValueError("every class is sensitive, so none can be read in their place: name none to hide them all")
        self.rule: Rule = rule

    def protect(self, originals: Tensor, budget: Budget, start: Tensor | None = None) -> Generator[Progress, None, Outcome]:
        objective = Disappearance(self.detector, originals, self.sensitive, self.read_as, self.rule, budget.radius)
        return (yield from optimise(originals, objective, budget, start))

    def counted(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Those of the labels read that must not be read."""
        if not self.sensitive:
            return tuple(labels)
        return tuple(label for label in labels if self.detector.classes.index(label) in self.sensitive)

    def judge(self, originals: Tensor, delivered: Tensor, surely: bool = False) -> list[Verdict]:
        """Protected means that a fresh detection on the delivered pixels finds no object (M_all), or none of a
        sensitive class (M_sen), with a score of at least 0.3; surely, of at least 0.2."""
        verdicts = []
        threshold = SURE_THRESHOLD if surely else PUBLISHED_THRESHOLD
        pairs = zip(self.detector.detect(originals), self.detector.detect(delivered, threshold), strict=True)
        for before, after in pairs:
            labels_after = tuple(detection.label for detection in after)
            verdicts.append(
                Verdict(
                    protector=self.name,
                    adversary=self.detector.name,
                    protected=not self.counted(labels_after),
                    before=tuple(detection.label for detection in before),
                    after=labels_after,
                    detections_before=tuple(before),
                    detections_after=tuple(after),
                )
            )
        return verdicts
