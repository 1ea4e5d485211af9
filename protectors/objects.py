"""Object Disappearance: photos in which a detector finds nothing (M_all), or takes chosen classes for others (M_sen).

Source: Xue, Sun, Wu, He, Wang, Liu, "SocialGuard: An adversarial example based privacy-preserving technique for social
images" (2021), Algorithm 1. Three rules are offered. ``published`` keeps the region proposals of the clean photo throughout
and stops once every score on them is below the detection threshold. A detector shown the result makes new proposals,
though, and finds most objects again; ``refreshed``, ours, follows it: new proposals every few steps, a lower threshold, and
a stop rule that is itself a fresh reading of the 8-bit picture. ``sparing`` goes on from there and takes back what of the
perturbation is not needed; it asks for less quiet, since it reads every view of the photo that it has to be quiet in.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.coco import expanded
from protectors.adversaries.detector import Proposals, TwoStageDetector
from protectors.base import Budget
from protectors.channel.channel_set import AS_IT_IS, ChannelSet
from protectors.optimisation import Optimising, shaped_step
from protectors.proposal_tracker import ProposalTracker
from protectors.robust_descent import RobustDescent
from protectors.transfer import Momentum

PUBLISHED_THRESHOLD = 0.3
"""T of Algorithm 1, and the score from which a detection counts in every verdict."""

SURENESS = 6
"""The power of a proposal's class probability that it is pushed with."""

REFRESH = 3
"""Steps between two looks for new proposals, where views do not take turns."""

Rule = Literal["published", "refreshed", "sparing"]


class Disappearance(RobustDescent):
    """The objective of one batch of originals [B, 3, H, W]; each rule is a class of its own.

    Args:
        sensitive: labels that must not be read; empty means that everything is to vanish (M_all).
        read_as: the label to be read in their place; None takes all that are not sensitive.
        radius: bounds each update of the published rule (Algorithm 1 clamps the update, not only the sum).
    """

    stage = "objects"

    pushed: float
    """Proposals whose class probability is at least this are pushed down."""

    quiet: float
    """An image is finished once all is below this."""

    least_steps = 0
    """Steps made even where the detector saw nothing, so that a weak detector's blindness is not relied on."""

    def __init__(
        self,
        detector: TwoStageDetector,
        originals: Tensor,
        sensitive: Sequence[int],
        read_as: int | None,
        radius: float,
        channels: ChannelSet = AS_IT_IS,
    ) -> None:
        self.detector = detector
        self.channels = channels
        self.radius = radius
        self.reached = torch.zeros(len(originals), dtype=torch.bool, device=originals.device)
        """Which images were finished: from then on every step reads those that go on, to make their perturbation smaller."""
        self._due = self.reached
        self.sensitive = tuple(sensitive)
        self.tracker = ProposalTracker(self._first_proposals(originals), channels.views, self.quiet)
        # Hiding everything replaces nothing, and needs no pre-detection for it.
        self.replacements = self._replacements(originals, read_as) if self.sensitive else []

    def _replacements(self, originals: Tensor, read_as: int | None) -> list[tuple[int, ...]]:
        """Return by image the non-sensitive labels that take a sensitive one's place (y_non of Algorithm 1).

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
        """Return the largest probability [P] of a class that must not be read at each proposal."""
        labels = list(self.sensitive) if self.sensitive else slice(1, None)
        return probabilities[:, labels].amax(1)

    def active_views(self, step: int) -> tuple[int, ...]:
        return (self.tracker.next_view(step),) if self.channels.in_turn else super().active_views(step)

    def view_losses(self, samples: Tensor, views: Sequence[int], step: int) -> Tensor:
        places = self.tracker.places(views)
        losses = []
        for place, logits in zip(places, self._logits(samples, views, places), strict=True):
            threat = self._threatening(functional.softmax(logits.detach(), 1))
            own = self._proposal_losses(logits, place % self.tracker.images, step)
            losses.append((own * self._weight(threat)).sum())
        return torch.stack(losses)

    def _logits(self, samples: Tensor, views: Sequence[int], places: Sequence[int]) -> list[Tensor]:
        """Return class logits [P, classes] over what is pushed at each place, in the samples of its view."""
        if not self.channels.in_turn:
            return self.detector.logits(samples, self.tracker.pushed(places))
        # The same pass proposes anew, and tells whether it is worth while to ask the stop rule.
        look = self.detector.look(samples)
        for place, fresh, scores in zip(places, *look.proposed(), strict=True):
            self.tracker.see(place, fresh, self._threatening(scores), push=True)
        self.tracker.grow_older(views)
        return look.logits(self.tracker.pushed(places))

    @torch.no_grad()
    def finished(self, images: Tensor, step: int) -> Tensor:
        """Return which images are finished; between two looks nobody is read, and nobody is finished."""
        if self.channels.in_turn:
            # By the last look at each view; where one was not quiet, nothing is read.
            self._due = self.tracker.is_quiet(range(self.channels.views))
        else:
            self._due = torch.full_like(self.reached, self._is_look_due(step)) | (self.reached & self.shrinks)
        if not self._due.any():
            return self._due
        done = super().finished(images, step)
        self.reached |= done
        return done

    def may_be_done(self, images: Tensor, step: int) -> Tensor:
        return self._due & (step >= self.least_steps)

    @property
    def ends_early(self) -> bool:
        # Otherwise every view is read, so that what is pushed there is fresh.
        return self.channels.in_turn

    def is_done(self, exact: Tensor, view: int, step: int) -> Tensor:
        places = self.tracker.places([view])
        for place, proposals, scores, is_due in zip(places, *self._reading(exact, places), self._due.tolist(), strict=True):
            # Image by image, so that one gets what it would get in another batch.
            self.tracker.see(place, proposals, self._threatening(scores), push=is_due and self.looks_anew)
        return self.tracker.is_quiet([view])

    looks_anew = True
    """Whether a look replaces what is pushed."""

    @abstractmethod
    def _first_proposals(self, originals: Tensor) -> list[Proposals]:
        """Return what is pushed at first at each place."""

    @abstractmethod
    def _is_look_due(self, step: int) -> bool:
        """Return whether the images are read at this step, where views do not take turns."""

    @abstractmethod
    def _reading(self, exact: Tensor, places: Sequence[int]) -> tuple[list[Proposals], list[Tensor]]:
        """Return the proposals and class probabilities [P, classes] by which each image of one exact view is finished."""

    @abstractmethod
    def _proposal_losses(self, logits: Tensor, image: int, step: int) -> Tensor:
        """Return the loss [P] of each proposal of an image, of logits [P, classes]."""

    @abstractmethod
    def _weight(self, threat: Tensor) -> Tensor:
        """Return how hard each proposal is pushed [P], by the probability of what must not be read there."""


class Published(Disappearance):
    """Algorithm 1: the proposals of the clean photo throughout, and updates as large as the budget."""

    pushed = PUBLISHED_THRESHOLD
    quiet = PUBLISHED_THRESHOLD
    looks_anew = False

    def _first_proposals(self, originals: Tensor) -> list[Proposals]:
        return [own for _, exact in self.channels.exact_views(originals) for own in self.detector.propose(exact)[0]]

    def _is_look_due(self, step: int) -> bool:
        return True

    def _reading(self, exact: Tensor, places: Sequence[int]) -> tuple[list[Proposals], list[Tensor]]:
        kept = self.tracker.pushed(places)
        return kept, [functional.softmax(own, 1) for own in self.detector.logits(exact, kept)]

    def _proposal_losses(self, logits: Tensor, image: int, step: int) -> Tensor:
        """Return the cross-entropy [P] to the background, or to the non-sensitive classes in turn, one an iteration."""
        labels = self.replacements[image] if self.sensitive else (0,)
        target = torch.full((len(logits),), labels[step % len(labels)], device=logits.device)
        return functional.cross_entropy(logits, target, reduction="none")

    def _weight(self, threat: Tensor) -> Tensor:
        return (threat >= self.pushed).float()

    def update(self, gradient: Tensor, step: int) -> Tensor:
        largest = gradient.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
        # Algorithm 1 clamps each update to the budget; scaled by its largest entry it fills that, and needs no clamp.
        return gradient / largest * self.radius


class Refreshed(Disappearance):
    """New proposals every few steps, which are pushed by their lead in log-odds."""

    pushed = 0.03
    quiet = 0.15
    least_steps = 3

    def __init__(
        self,
        detector: TwoStageDetector,
        originals: Tensor,
        sensitive: Sequence[int],
        read_as: int | None,
        radius: float,
        channels: ChannelSet = AS_IT_IS,
    ) -> None:
        super().__init__(detector, originals, sensitive, read_as, radius, channels)
        self.momentum = Momentum(0.7)

    def _first_proposals(self, originals: Tensor) -> list[Proposals]:
        # A look makes them before the first step.
        return [Proposals(originals.new_zeros((0, 4)))] * (self.channels.views * len(originals))

    def _is_look_due(self, step: int) -> bool:
        return step % REFRESH == 0

    def _reading(self, exact: Tensor, places: Sequence[int]) -> tuple[list[Proposals], list[Tensor]]:
        return self.detector.propose(exact)

    def _proposal_losses(self, logits: Tensor, image: int, step: int) -> Tensor:
        """Return by how much [P], in log-odds, what must not be read leads over what may be read in its place.

        Unlike cross-entropy its gradient does not fade as the lead shrinks, and it cares for no other class.
        """
        if not self.sensitive:
            return logits[:, 1:].logsumexp(1) - logits[:, 0]
        others = [0, *self.replacements[image]]
        return logits[:, list(self.sensitive)].logsumexp(1) - logits[:, others].logsumexp(1)

    def _weight(self, threat: Tensor) -> Tensor:
        # By the surest, as they decide. Photo-filling proposals have faint gradients beside those of small ones: evenly
        # pushed, they would never fall.
        return (threat >= self.pushed).float() * threat**SURENESS + 1e-6

    def update(self, gradient: Tensor, step: int) -> Tensor:
        return shaped_step(self.momentum.after(gradient))


class Sparing(Refreshed):
    """The same, and once all is quiet the perturbation is made smaller."""

    quiet = 0.19
    shrinks = True


RULES: dict[Rule, type[Disappearance]] = {"published": Published, "refreshed": Refreshed, "sparing": Sparing}


class ObjectDisappearance(Optimising):
    """Hides objects from a detector. ``sensitive`` names classes to be read as others (M_sen); empty hides all (M_all)."""

    name = "objects"

    def __init__(
        self,
        detector: TwoStageDetector,
        sensitive: Sequence[str] = (),
        read_as: str | None = None,
        rule: Rule = "refreshed",
        channels: ChannelSet = AS_IT_IS,
    ) -> None:
        self.detector = detector
        self.channels = channels
        self.sensitive = tuple(detector.label(name) for name in expanded(sensitive, detector.classes))
        self.read_as = None if read_as is None else detector.label(read_as)
        if self.read_as in self.sensitive:
            raise ValueError(f"{read_as!r} is itself a sensitive class: choose another to be read in its place")
        if len(self.sensitive) == len(detector.classes) - 1:
            raise ValueError("every class is sensitive, so none can be read in their place: name none to hide them all")
        self.rule: Rule = rule

    def objective(self, originals: Tensor, budget: Budget) -> Disappearance:
        return RULES[self.rule](self.detector, originals, self.sensitive, self.read_as, budget.radius, self.channels)
