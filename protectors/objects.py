"""Object Disappearance: photos in which a detector finds nothing (M_all), or takes chosen classes for others (M_sen).

Source: Xue, Sun, Wu, He, Wang, Liu, "SocialGuard: An adversarial example based privacy-preserving technique for social
images" (2021), Algorithm 1. There are three rules. ``published`` keeps the region proposals of the clean photo throughout
and stops once every score on them is below the detection threshold. But a detector makes new proposals for the result and
finds most objects again. So ``refreshed``, ours, makes new proposals every few steps, uses a lower threshold, and stops by a
fresh reading of the 8-bit picture. ``sparing`` then also shrinks the perturbation as far as the stop rule allows. Its
threshold is higher than that of ``refreshed``, since it reads every view in which nothing may be found.
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
"""T of Algorithm 1, and the least score at which a detection counts in a verdict."""

SURENESS = 6
"""The exponent of a proposal's class probability in the weight of its loss."""

REFRESH = 3
"""Steps between two readings for new proposals, if views do not take turns."""

Rule = Literal["published", "refreshed", "sparing"]


class Disappearance(RobustDescent):
    """The objective for one batch of originals [B, 3, H, W]; each rule is a subclass.

    Args:
        sensitive: labels that must not be read; empty means that everything has to vanish (M_all).
        read_as: the label to be read in their place; None allows all that are not sensitive.
        radius: bounds each update of the published rule (Algorithm 1 clamps the update, not only the sum).
    """

    stage = "objects"

    pushed: float
    """Least probability of a class at which a proposal is pushed down."""

    quiet: float
    """An image is finished once every such probability is below this."""

    least_steps = 0
    """Steps made even if the detector finds nothing, since a weak detector may be blind to what others find."""

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
        """Which images [B] have been finished. They are read at every further step, while their perturbation shrinks."""
        self._due = self.reached
        self.sensitive = tuple(sensitive)
        self.tracker = ProposalTracker(self._first_proposals(originals), channels.views, self.quiet)
        # Only the hiding of chosen classes replaces labels, and needs the pre-detection for that.
        self.replacements = self._replacements(originals, read_as) if self.sensitive else []

    def _replacements(self, originals: Tensor, read_as: int | None) -> list[tuple[int, ...]]:
        """Return for each image the non-sensitive labels that may replace sensitive ones (y_non of Algorithm 1).

        They are the non-sensitive classes found in the original, which stay plausible; if there are none, all of them.
        """
        if read_as is not None:
            return [(read_as,)] * len(originals)
        others = tuple(label for label in range(1, len(self.detector.classes)) if label not in self.sensitive)
        chosen = []
        for detections in self.detector.detect(originals, PUBLISHED_THRESHOLD):
            present = {self.detector.classes.index(detection.label) for detection in detections}
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
            image_losses = self._proposal_losses(logits, place % self.tracker.images, step)
            losses.append((image_losses * self._weight(threat)).sum())
        return torch.stack(losses)

    def _logits(self, samples: Tensor, views: Sequence[int], places: Sequence[int]) -> list[Tensor]:
        """Return class logits [P, classes] over the pushed proposals of each place, in the samples of its view."""
        if not self.channels.in_turn:
            return self.detector.logits(samples, self.tracker.pushed(places))
        # The same pass makes new proposals, and shows whether the stop rule is worth computing.
        look = self.detector.look(samples)
        for place, fresh, scores in zip(places, *look.proposed(), strict=True):
            self.tracker.see(place, fresh, self._threatening(scores), push=True)
        self.tracker.grow_older(views)
        return look.logits(self.tracker.pushed(places))

    @torch.no_grad()
    def finished(self, images: Tensor, step: int) -> Tensor:
        """Return which images [B] are finished. Between two readings none is."""
        if self.channels.in_turn:
            # Images are read only if nothing was found at the last look at each view.
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
        # If views do not take turns, each must be read for new proposals.
        return self.channels.in_turn

    def is_done(self, exact: Tensor, view: int, step: int) -> Tensor:
        places = self.tracker.places([view])
        for place, proposals, scores, is_due in zip(places, *self._reading(exact, places), self._due.tolist(), strict=True):
            # Images are handled one by one, so that results do not depend on the batch.
            self.tracker.see(place, proposals, self._threatening(scores), push=is_due and self.looks_anew)
        return self.tracker.is_quiet([view])

    looks_anew = True
    """Whether a reading adds new proposals to those that are pushed."""

    @abstractmethod
    def _first_proposals(self, originals: Tensor) -> list[Proposals]:
        """Return the first proposals to push at each place."""

    @abstractmethod
    def _is_look_due(self, step: int) -> bool:
        """Return whether the images are read at this step, if views do not take turns."""

    @abstractmethod
    def _reading(self, exact: Tensor, places: Sequence[int]) -> tuple[list[Proposals], list[Tensor]]:
        """Return the proposals and class probabilities [P, classes] of each image in one exact view, for the stop rule."""

    @abstractmethod
    def _proposal_losses(self, logits: Tensor, image: int, step: int) -> Tensor:
        """Return the loss [P] of an image's proposals from their logits [P, classes]."""

    @abstractmethod
    def _weight(self, threat: Tensor) -> Tensor:
        """Return the weight [P] of each proposal's loss, from the largest probability there of a class to hide."""


class Published(Disappearance):
    """Algorithm 1: it keeps the proposals of the clean photo, and its updates are as large as the budget."""

    pushed = PUBLISHED_THRESHOLD
    quiet = PUBLISHED_THRESHOLD
    looks_anew = False

    def _first_proposals(self, originals: Tensor) -> list[Proposals]:
        return [proposals for _, exact in self.channels.exact_views(originals) for proposals in self.detector.propose(exact)[0]]

    def _is_look_due(self, step: int) -> bool:
        return True

    def _reading(self, exact: Tensor, places: Sequence[int]) -> tuple[list[Proposals], list[Tensor]]:
        kept = self.tracker.pushed(places)
        return kept, [functional.softmax(values, 1) for values in self.detector.logits(exact, kept)]

    def _proposal_losses(self, logits: Tensor, image: int, step: int) -> Tensor:
        """Return the cross-entropy [P] to the background, or to one non-sensitive class an iteration in turn."""
        labels = self.replacements[image] if self.sensitive else (0,)
        target = torch.full((len(logits),), labels[step % len(labels)], device=logits.device)
        return functional.cross_entropy(logits, target, reduction="none")

    def _weight(self, threat: Tensor) -> Tensor:
        return (threat >= self.pushed).float()

    def update(self, gradient: Tensor, step: int) -> Tensor:
        largest = gradient.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
        # Algorithm 1 clamps each update to the budget. Scaled by its largest entry, an update fills it and needs no clamp.
        return gradient / largest * self.radius


class Refreshed(Disappearance):
    """Makes new proposals every few steps, and lowers the log-odds of their classes."""

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
        # The reading before the first step makes them.
        return [Proposals(originals.new_zeros((0, 4)))] * (self.channels.views * len(originals))

    def _is_look_due(self, step: int) -> bool:
        return step % REFRESH == 0

    def _reading(self, exact: Tensor, places: Sequence[int]) -> tuple[list[Proposals], list[Tensor]]:
        return self.detector.propose(exact)

    def _proposal_losses(self, logits: Tensor, image: int, step: int) -> Tensor:
        """Return the log-odds [P] of the classes to hide over those that may replace them.

        Unlike cross-entropy's, its gradient does not fade as the log-odds fall, and it leaves other classes alone.
        """
        if not self.sensitive:
            return logits[:, 1:].logsumexp(1) - logits[:, 0]
        others = [0, *self.replacements[image]]
        return logits[:, list(self.sensitive)].logsumexp(1) - logits[:, others].logsumexp(1)

    def _weight(self, threat: Tensor) -> Tensor:
        # The surest proposals decide, so they weigh most. Proposals that fill the photo have fainter gradients than small
        # ones: with equal weights they would never fall.
        return (threat >= self.pushed).float() * threat**SURENESS + 1e-6

    def update(self, gradient: Tensor, step: int) -> Tensor:
        return shaped_step(self.momentum.after(gradient))


class Sparing(Refreshed):
    """Like ``Refreshed``, but once nothing is found the perturbation is made smaller."""

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
