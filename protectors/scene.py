"""P-FGSM: photos whose scene a classifier reads as one drawn at random from the unlikely ones.

Source: Li, Shamsabadi, Sanchez-Matilla, Mazzon, Cavallaro, "Scene privacy protection" (ICASSP 2019). Because the target is
drawn at random outside the classes that make up most of the probability, the class that is read tells nothing of the true one.

Two step rules are offered: ``published`` is the paper's, x <- x - epsilon * sign(gradient); ``shaped``, ours and the default,
draws the same targets but keeps the gradient's shape in finer steps, which reaches them at some dB more. The paper's baselines
differ from it by their aim alone.
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
"""epsilon of the paper, for pixels in [0, 1]."""

PATIENCE = 10
"""Shaped steps before signs take over: dense textures, such as forests, need every pixel's share of the budget."""

CUMULATIVE = 0.99
"""sigma of the paper: the likeliest classes that together reach this probability are never targets."""

UNLIKELY = 0.2
"""Of an even chance: what is less probable than this in every view may be a target of ours. A classifier of few classes trained
with label smoothing leaves each of them so much that the paper's bound takes in all, and nothing is drawn any more: the
least likely class stands for the true one. Chosen on photos that no figure is measured on: the true class was drawn for 0.03 %
of them, out of 2.7 classes to choose from."""

TURNS = (12, 20)
"""Steps at which a photo that the drawn class is out of reach for is led elsewhere: to the nearest of those that could have
been drawn, then to the nearest that is not read. A forest may not become a mountain in the budget, but it becomes a street."""

MARGIN = 0.1
"""How far the drawn class leads in delivered photos, read after the daemon's own JPEG."""

KNOWN = 0.2
"""Of the margin, what is asked of a view that is itself a site's: a margin is for what is not known."""

Rule = Literal["published", "shaped"]

Aim = Literal["unlikely", "random", "least", "away"]
"""Where the reading is led: to a class drawn beyond the likely ones (P-FGSM), to one drawn among all others (R-FGSM), to the
least likely one (L-FGSM), or nowhere but away from the class that is read (N-FGSM)."""


def inner(images: Tensor, share: float = 0.8) -> Tensor:
    """Return the middle of [B, 3, H, W], as a person might crop it."""
    height, width = (max(1, round(side * share)) for side in images.shape[2:])
    top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
    return images[:, :, top : top + height, left : left + width]


def unlikely(probabilities: Tensor, cumulative: float = CUMULATIVE) -> Tensor:
    """Return which classes [B, classes] (bool) lie beyond ``cumulative`` probability in every one of [views, B, classes].

    Classes are taken from the likeliest down until their sum exceeds the bound. Where that takes all of them, the least
    likely one is left: the true class must not be drawn.
    """
    ordered, classes = probabilities.sort(2, descending=True)
    before = ordered.cumsum(2) - ordered
    likely = torch.zeros_like(probabilities, dtype=torch.bool).scatter(2, classes, before < cumulative).any(0)
    return _beyond(likely, probabilities)


def improbable(probabilities: Tensor, share: float = UNLIKELY) -> Tensor:
    """Return which classes [B, classes] (bool) have less than a share of an even chance in every one of [views, B, classes];
    the least likely one where none has."""
    likely = (probabilities >= share / probabilities.shape[2]).any(0)
    return _beyond(likely, probabilities)


def _beyond(likely: Tensor, probabilities: Tensor) -> Tensor:
    """Return the classes [B, classes] (bool) that are not likely or, where all are, the one least so in all views together."""
    least = functional.one_hot(probabilities.sum(0).argmin(1), probabilities.shape[2]).bool()
    return torch.where(likely.all(1, keepdim=True), least, ~likely)


def draw_targets(candidates: Tensor, generator: torch.Generator) -> Tensor:
    """Return targets [B], each drawn evenly from its candidates [B, classes]."""
    return torch.multinomial(candidates.float().cpu(), 1, generator=generator)[:, 0].to(candidates.device)


class Misreading(RobustDescent):
    """The objective of one batch: cross-entropy to the labels [B] to be read, or away from those that are. ``turns`` are
    the classes [B, classes] that may be read instead from each of ``TURNS`` on."""

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
            # Where every class is read in some view there is nothing else to lead to.
            self.labels = torch.where(self.reached | ~choice.any(1), self.labels, nearest)
        done = super().finished(images, step)
        self.reached |= done
        return done

    def is_done(self, exact: Tensor, view: int, step: int) -> Tensor:
        return self._leads(self.classifier.read(exact)) > (self.margin if view == 0 else KNOWN * self.margin)

    def _leads(self, probabilities: Tensor) -> Tensor:
        """Return by how much [B] the label is read before all others or, where that is not to be, another one before it."""
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
    """P-FGSM against one classifier, or with another aim a baseline of it. ``margin`` is how far the probability of the
    class to be read must lead (0: as published); a lead keeps the reading through re-encoding."""

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
        """Return what is read [views, B, classes] in the originals and, to draw a target by, in other views of them.

        These are their mirror images and middles. A classifier that is sure and wrong would let the true class be drawn, but
        it seldom is so in every view.
        """
        views = [originals]
        if self.aim == "unlikely" and self.rule == "shaped":
            views += [originals.flip(3), inner(originals)]
        return torch.stack([self.classifier.read(view) for view in views])

    def _labels(self, views: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the labels [B] of the objective, from what is read in the originals, and what may be read instead."""
        if self.aim == "unlikely" and self.rule == "shaped":
            candidates = improbable(views)
            unread = ~functional.one_hot(views.argmax(2), views.shape[2]).bool().any(0)
            return draw_targets(candidates, self.generator), (candidates, unread)
        if self.aim == "unlikely":
            return draw_targets(unlikely(views), self.generator), ()
        if self.aim == "random":
            # Beyond next to no probability lies every class but the likeliest.
            return draw_targets(unlikely(views, 1e-6), self.generator), ()
        return views[0].argmin(1) if self.aim == "least" else views[0].argmax(1), ()

    def objective(self, originals: Tensor, budget: Budget) -> Misreading:
        views = self._views(originals)
        (labels, turns), towards = self._labels(views), self.aim != "away"
        # Signs spend every pixel's share of the budget, whatever people notice of it.
        patience = PATIENCE if budget.noticeable is None else budget.steps
        return Misreading(self.classifier, labels, towards, self.margin, self.rule, self.channels, turns, patience)
