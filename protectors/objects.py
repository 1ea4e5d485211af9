"""Object Disappearance: photos in which a detector finds nothing (M_all), or takes chosen classes for others (M_sen).

Source: Xue, Sun, Wu, He, Wang, Liu, "SocialGuard: An adversarial example based privacy-preserving technique for social
images" (2021), Algorithm 1. Three rules are offered. ``published`` keeps the region proposals of the clean photo throughout
and stops once every score on them is below the detection threshold. A detector shown the result makes new proposals,
though, and finds most objects again; ``refreshed``, ours, follows it: new proposals every few steps, a lower threshold, and
a stop rule that is itself a fresh reading of the 8-bit picture. ``sparing`` goes on from there and takes back what of the
change is not needed; it asks for less quiet, since it reads every form of the photo that it has to be quiet in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.coco import expanded
from protectors.adversaries.detector import Proposals, TwoStageDetector
from protectors.base import Budget
from protectors.channel.family import AS_IT_IS, Family, of_each
from protectors.optimisation import Descent, Optimising, shaped_step
from protectors.transfer import Momentum

PUBLISHED_THRESHOLD = 0.3
"""T of Algorithm 1, and the score from which a detection counts in every verdict."""

FOREMOST = 128
"""Proposals an image that the refreshed rule pushes between two refreshes."""

REMEMBERED = 384
"""Proposals an image that are pushed at once, fresh and earlier ones together."""

SURENESS = 6
"""The power of a proposal's class probability that it is pushed with."""

Rule = Literal["published", "refreshed", "sparing"]


@dataclass(frozen=True)
class Settings:
    """``pushed``: proposals whose class probability is at least this are pushed down; ``quiet``: the loop ends once all are
    below this; ``refresh``: steps between new proposals (0: never); ``least_steps``: steps made even where the detector saw
    nothing, so that a weak detector's blindness is not relied on; ``shrinks``: once all is quiet the change is made smaller.
    """

    pushed: float
    quiet: float
    refresh: int
    least_steps: int
    shrinks: bool = False


SETTINGS: dict[Rule, Settings] = {
    "published": Settings(pushed=PUBLISHED_THRESHOLD, quiet=PUBLISHED_THRESHOLD, refresh=0, least_steps=0),
    "refreshed": Settings(pushed=0.03, quiet=0.15, refresh=3, least_steps=3),
    "sparing": Settings(pushed=0.03, quiet=0.19, refresh=3, least_steps=3, shrinks=True),
}


def joined(new: Proposals, old: Proposals) -> Proposals:
    """The new proposals and as many of the old ones as are remembered."""
    return Proposals(torch.cat([new.boxes, old.boxes])[:REMEMBERED])


class Disappearance(Descent):
    """The objective of one batch. ``sensitive`` holds labels; empty means that everything is to vanish (M_all).

    ``radius`` bounds each update of the published rule (Algorithm 1 clamps the update, not only the sum).
    """

    stage = "objects"

    def __init__(
        self,
        detector: TwoStageDetector,
        originals: Tensor,
        sensitive: Sequence[int],
        read_as: int | None,
        rule: Rule,
        radius: float,
        family: Family = AS_IT_IS,
    ) -> None:
        self.detector = detector
        self.family = family
        self.settings = SETTINGS[rule]
        self.rule = rule
        self.radius = radius
        self.shrinks = self.settings.shrinks
        self.reached = torch.zeros(len(originals), dtype=torch.bool, device=originals.device)
        """Which images were finished: from then on every step asks of those that go on, to make their change smaller."""
        self.sensitive = tuple(sensitive)
        # The refreshed rule makes its own before its first step; the published one keeps those of the clean photo.
        nowhere = Proposals(originals.new_zeros((0, 4)))
        self.proposals = [nowhere] * (family.forms * len(originals))
        if not self.settings.refresh:
            self.proposals = [own for _, form in family.asked(originals) for own in detector.propose(form)[0]]
        """What is pushed in each form: fresh proposals first, then earlier ones, lest the detector go back to what it just
        left."""
        self.quiet = [False] * len(self.proposals)
        """Of each form of each image: whether all was below what the settings ask for, when it was last looked at."""
        self.age = [0] * family.forms
        """Steps since each form was last looked at."""
        self.momentum = Momentum(0.7)
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
        count = len(images)
        forms = self._next(step, count) if self.family.in_turn else self.family.looked_at(step)
        for place, logits in enumerate(self._logits(self.family.drawn(images, step, forms), forms, count)):
            index = place % count
            threat = self._threatening(functional.softmax(logits.detach(), 1))
            own = self._published_loss(logits, index, step) if published else self._lead(logits, index)
            losses.append((own * self._weight(threat)).sum())
        return of_each(torch.stack(losses), count).sum(0)

    def _logits(self, drawn: Tensor, forms: Sequence[int], count: int) -> list[Tensor]:
        """Class logits [P, classes] over what is pushed in each of the drawn forms of ``count`` images."""
        places = [form * count + index for form in forms for index in range(count)]
        if not self.family.in_turn:
            return self.detector.logits(drawn, [self.proposals[place] for place in places])
        # The same pass proposes anew, and tells whether it is worth while to ask the stop rule.
        look = self.detector.look(drawn)
        for place, own, scores in zip(places, *look.proposed(), strict=True):
            self._seen(place, own, scores, True)
        self.age = [age + 1 for age in self.age]
        for form in forms:
            self.age[form] = 0
        return look.logits([self.proposals[place] for place in places])

    def _next(self, step: int, count: int) -> tuple[int, ...]:
        """Where forms take turns, the first that was not quiet, or was not looked at for long: what survives nothing but an
        untouched file is of use, what survives all else is not."""
        for form in range(self.family.forms):
            if self.age[form] >= self.family.forms or not bool(self._quiet([form], count).all()):
                return (form,)
        return (step % self.family.forms,)

    def _seen(self, place: int, proposals: Proposals, scores: Tensor, remember: bool) -> None:
        """What a look at one form of one image showed; what is proposed there is pushed from now on."""
        self.quiet[place] = not len(scores) or bool(self._threatening(scores).amax() < self.settings.quiet)
        if remember:
            self.proposals[place] = joined(self._foremost(proposals, scores), self.proposals[place])

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
        """Between two refreshes nobody is asked, and nobody is finished."""
        settings = self.settings
        if self.family.in_turn:
            # By the last look at each form; where one was not quiet, nothing is read.
            due = self._quiet(range(self.family.forms), len(images))
        else:
            due = torch.full_like(self.reached, not settings.refresh or step % settings.refresh == 0)
            due |= self.reached & self.shrinks
        if not due.any():
            return due
        done = due & (step >= settings.least_steps)
        for number, form in self.family.asked(images, step):
            self._read(form, number, due)
            done &= self._quiet([number], len(images))
            if self.family.in_turn and not done.any():
                break
        self.reached |= done
        return done

    def _read(self, images: Tensor, form: int, due: Tensor) -> None:
        """A fresh reading of one form of each image."""
        places = range(form * len(images), (form + 1) * len(images))
        if self.settings.refresh:
            fresh, scores = self.detector.propose(images)
        else:
            fresh = [self.proposals[place] for place in places]
            scores = [functional.softmax(own, 1) for own in self.detector.logits(images, fresh)]
        for place, own, likely, now in zip(places, fresh, scores, due.tolist(), strict=True):
            # Image by image, so that one gets what it would get in another batch.
            self._seen(place, own, likely, now and bool(self.settings.refresh))

    def _quiet(self, forms: Iterable[int], count: int) -> Tensor:
        """Which of ``count`` images [B] (bool) were quiet in all of the forms when each was last looked at."""
        quiet = [all(self.quiet[form * count + index] for form in forms) for index in range(count)]
        return torch.tensor(quiet, device=self.reached.device)

    def _foremost(self, proposals: Proposals, scores: Tensor) -> Proposals:
        """The proposals that threaten most: the others' gradients cost time and change nothing."""
        count = min(FOREMOST, len(scores))
        return Proposals(proposals.boxes[self._threatening(scores).topk(count).indices])

    def update(self, gradient: Tensor, step: int) -> Tensor:
        if self.rule == "published":
            largest = gradient.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
            # Algorithm 1 clamps each update to the budget; scaled by its largest entry it fills that, and needs no clamp.
            return gradient / largest * self.radius
        return shaped_step(self.momentum.after(gradient))


class ObjectDisappearance(Optimising):
    """Hides objects from a detector. ``sensitive`` names classes to be read as others (M_sen); empty hides all (M_all)."""

    name = "objects"

    def __init__(
        self,
        detector: TwoStageDetector,
        sensitive: Sequence[str] = (),
        read_as: str | None = None,
        rule: Rule = "refreshed",
        family: Family = AS_IT_IS,
    ) -> None:
        self.detector = detector
        self.family = family
        self.sensitive = tuple(detector.label(name) for name in expanded(sensitive, detector.classes))
        self.read_as = None if read_as is None else detector.label(read_as)
        if self.read_as in self.sensitive:
            raise ValueError(f"{read_as!r} is itself a sensitive class: choose another to be read in its place")
        if len(self.sensitive) == len(detector.classes) - 1:
            raise ValueError("every class is sensitive, so none can be read in their place: name none to hide them all")
        self.rule: Rule = rule

    def objective(self, originals: Tensor, budget: Budget) -> Disappearance:
        return Disappearance(self.detector, originals, self.sensitive, self.read_as, self.rule, budget.radius, self.family)
