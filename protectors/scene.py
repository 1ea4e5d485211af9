"""P-FGSM: makes a classifier read a photo's scene as a class drawn at random from the unlikely ones.

Source: Li, Shamsabadi, Sanchez-Matilla, Mazzon, Cavallaro, "Scene privacy protection" (ICASSP 2019). Because the target is
drawn at random outside the classes that make up most of the probability, the class that is read does not reveal the true one.

There are two step rules: ``published`` is the paper's, x <- x - epsilon * sign(gradient); ``shaped``, ours and the default,
keeps the gradient's shape in finer steps, which reach the target at a PSNR some dB higher. The paper's baselines differ from
P-FGSM only in their aim.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.classifier import Classifier
from protectors.base import Budget
from protectors.channel.channel_set import AS_IT_IS, ChannelSet
from protectors.optimisation import Optimising, shaped_step
from protectors.robust_descent import RobustDescent

STEP = 0.007
"""The paper's epsilon, for pixels in [0, 1]."""

PATIENCE = 10
"""Number of shaped steps before sign steps take over: dense textures, such as forests, need the whole budget of each pixel."""

CUMULATIVE = 0.99
"""The paper's sigma: the likeliest classes that together reach this probability are never targets."""

UNLIKELY = 0.2
"""Bound on a target's probability in every view, as a share of an even chance, in our rule. The paper's bound fails for a
classifier of few classes trained with label smoothing: it excludes all classes, so the least likely one is always taken and
gives the true one away. Chosen on photos that no figure is measured on: the true class was drawn for 0.03 % of them, from 2.7
candidates on average."""

TURNS = (12, 20)
"""Steps at which an unfinished photo gets another target: first the nearest candidate, then the nearest class that is not read.
The budget may not turn a forest into a mountain, but into a street."""

MARGIN = 0.1
"""Lead in probability of the target in delivered photos, read after the daemon's JPEG."""

KNOWN = 0.2
"""Share of the margin that is required in a view that models a site: the full margin allows for unknown processing."""

Rule = Literal["published", "shaped"]

Aim = Literal["unlikely", "random", "least", "away"]
"""The target: a class drawn from the unlikely ones (P-FGSM), one drawn from all but the one that is read (R-FGSM), the least
likely one (L-FGSM), or any class but the one that is read (N-FGSM)."""


def inner(images: Tensor, share: float = 0.8) -> Tensor:
    """Crop images [B, 3, H, W] to their middle, as a person might."""
    height, width = (max(1, round(side * share)) for side in images.shape[2:])
    top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
    return images[:, :, top : top + height, left : left + width]


def unlikely(probabilities: Tensor, cumulative: float = CUMULATIVE) -> Tensor:
    """Return which classes [B, classes] (bool) lie beyond ``cumulative`` probability in every one of [views, B, classes].

    Classes are excluded from the likeliest down until their sum exceeds the bound. If that excludes all of them, the least
    likely one is returned.
    """
    ordered, classes = probabilities.sort(2, descending=True)
    before = ordered.cumsum(2) - ordered
    likely = torch.zeros_like(probabilities, dtype=torch.bool).scatter(2, classes, before < cumulative).any(0)
    return _beyond(likely, probabilities)


def improbable(probabilities: Tensor, share: float = UNLIKELY) -> Tensor:
    """Return which classes [B, classes] (bool) have less than a share of an even chance in every one of [views, B, classes], or
    the least likely one if none has."""
    likely = (probabilities >= share / probabilities.shape[2]).any(0)
    return _beyond(likely, probabilities)


def _beyond(likely: Tensor, probabilities: Tensor) -> Tensor:
    """Return the classes [B, classes] (bool) that are not likely or, if all are, the least likely one over all views."""
    least = functional.one_hot(probabilities.sum(0).argmin(1), probabilities.shape[2]).bool()
    return torch.where(likely.all(1, keepdim=True), least, ~likely)


def draw_targets(candidates: Tensor, generator: torch.Generator) -> Tensor:
    """Return targets [B], each drawn uniformly from its candidates [B, classes]."""
    return torch.multinomial(candidates.float().cpu(), 1, generator=generator)[:, 0].to(candidates.device)


class Misreading(RobustDescent):
    """The objective for one batch: cross-entropy towards target labels [B], or away from those that are read. ``turns`` are
    the candidate classes [B, classes] from each of the steps ``TURNS`` on."""

    stage = "scene"

    def __init__(
        self,
        classifier: Classifier,
        labels: Tensor,
        towards: bool,
        margin: float,
        rule: Rule,
        channels: ChannelSet = AS_IT_IS,
        turns: Sequence[Tensor] = (),
        patience: int = PATIENCE,
    ) -> None:
        self.classifier = classifier
        self.patience = patience
        self.labels = labels
        self.sign = 1 if towards else -1
        self.margin = margin
        self.shrinks = rule == "shaped"
        self.channels = channels
        self.turns = tuple(turns)
        self.reached = torch.zeros_like(labels, dtype=torch.bool)

    def view_losses(self, samples: Tensor, views: Sequence[int], step: int) -> Tensor:
        labels = self.labels.repeat(len(views))
        return self.sign * functional.cross_entropy(self.classifier.logits(samples), labels, reduction="none")

    def finished(self, images: Tensor, step: int) -> Tensor:
        if step in TURNS[: len(self.turns)]:
            mean = torch.stack([self.classifier.read(exact) for _, exact in self.channels.exact_views(images)]).mean(0)
            choice = self.turns[TURNS.index(step)]
            nearest = mean.where(choice, -1).argmax(1)
            # A photo keeps its target if every class is read in some view.
            self.labels = torch.where(self.reached | ~choice.any(1), self.labels, nearest)
        done = super().finished(images, step)
        self.reached |= done
        return done

    def is_done(self, exact: Tensor, view: int, step: int) -> Tensor:
        return self._leads(self.classifier.read(exact)) > (self.margin if view == 0 else KNOWN * self.margin)

    def _leads(self, probabilities: Tensor) -> Tensor:
        """Return the lead [B] in probability of the target over all other classes or, with aim ``away``, of another class over
        the label."""
        labels = self.labels[:, None]
        leads = probabilities.gather(1, labels)[:, 0] - probabilities.scatter(1, labels, 0).amax(1)
        return self.sign * leads

    def update(self, gradient: Tensor, step: int) -> Tensor:
        signs = STEP * gradient.sign()
        if not self.shrinks:
            return signs
        patient = self.reached if step >= self.patience else torch.ones_like(self.reached)
        return torch.where(patient[:, None, None, None], shaped_step(gradient), signs)


class SceneProtector(Optimising):
    """P-FGSM against one classifier, or a baseline of it with another aim. ``margin`` is the required lead of the target's
    probability (0: as published), which keeps the reading through re-encoding."""

    name = "scene"

    def __init__(
        self,
        classifier: Classifier,
        generator: torch.Generator,
        margin: float = 0.0,
        rule: Rule = "shaped",
        aim: Aim = "unlikely",
        channels: ChannelSet = AS_IT_IS,
    ) -> None:
        self.classifier = classifier
        self.generator = generator
        self.margin = margin
        self.rule: Rule = rule
        self.aim: Aim = aim
        self.channels = channels

    def _views(self, originals: Tensor) -> Tensor:
        """Return class probabilities [views, B, classes] of the originals and, to draw targets by our rule, of other views.

        These are their mirror images and middles. A classifier that is sure of a wrong class makes the true one a candidate,
        but that is rare in every view.
        """
        views = [originals]
        if self.aim == "unlikely" and self.rule == "shaped":
            views += [originals.flip(3), inner(originals)]
        return torch.stack([self.classifier.read(view) for view in views])

    def _labels(self, views: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the objective's labels [B], and the candidates [B, classes] for each of its ``turns``."""
        if self.aim == "unlikely" and self.rule == "shaped":
            candidates = improbable(views)
            unread = ~functional.one_hot(views.argmax(2), views.shape[2]).bool().any(0)
            return draw_targets(candidates, self.generator), (candidates, unread)
        if self.aim == "unlikely":
            return draw_targets(unlikely(views), self.generator), ()
        if self.aim == "random":
            # A bound of almost no probability excludes only the likeliest class.
            return draw_targets(unlikely(views, 1e-6), self.generator), ()
        return views[0].argmin(1) if self.aim == "least" else views[0].argmax(1), ()

    def objective(self, originals: Tensor, budget: Budget) -> Misreading:
        views = self._views(originals)
        (labels, turns), towards = self._labels(views), self.aim != "away"
        # Sign steps spend the whole budget of each pixel and ignore visibility.
        patience = PATIENCE if budget.noticeable is None else budget.steps
        return Misreading(self.classifier, labels, towards, self.margin, self.rule, self.channels, turns, patience)
