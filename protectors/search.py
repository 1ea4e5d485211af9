"""Recessive images: photos that a reverse image search by deep hashing no longer finds the likes of.

Source: "Recessive Social Networking: Preventing Privacy Leakage against Reverse Image Search". A wrong label is drawn at
random, and steps along r, the difference of its gradient and that of the label that is retrieved, are added until another one
is. Of the rules that are offered two are the paper's: ``published`` takes its step, lambda * r / ||r||_2^2; ``ifgsm`` is its
baseline, the sign of r. Two are ours and draw no label: ``codes``, the default, drives the bits of the code itself over their
thresholds, in as many encoders at once as it is given, and leaves alone those that are well across; ``nearest`` asks as little
as the paper's rule, and leads the code to the label that is nearest anyhow. Ours too is ``unseen``, for encoders that are not
at hand: it leads away from the label, fills the budget, and looks at other views of the photo at every step.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from protectors.adversaries.hash_encoder import HashEncoder, binary
from protectors.base import Budget
from protectors.channel.channel_set import AS_IT_IS, SMALL_PICTURES, ChannelSet, of_each
from protectors.optimisation import Optimising, shaped_step
from protectors.robust_descent import RobustDescent
from protectors.transfer import Momentum, diverse

LAMBDA = 0.1
"""By how much, to first order, a published step raises the wrong label's score over the retrieved one's."""

SIGN_STEP = 1 / 255
"""The step of iFGSM."""

ACROSS = 0.5
"""How far beyond its threshold a bit is driven, in units of the encoder's usual output."""

FLIPPED = 0.5
"""The share of bits that have to differ: codes of different classes differ in about as many."""

SMALL = 4
"""Times an encoder's input: up to this size JPEG acts on what it reads."""

LEAD = 0.3
"""By how much a code has to be more like another label's than like its own, for ``nearest``; identical codes are alike by 1."""

VIEWS = 4
"""Views of a photo that a step of ``unseen`` looks at: what they have in common, other encoders have as well."""

Rule = Literal["published", "ifgsm", "codes", "nearest", "unseen"]


class Recession(RobustDescent):
    """The objective of one batch of originals [B, 3, H, W] against encoders; each rule is a class of its own.

    ``wrong`` are labels [B], one of each encoder, for the rules that ``draws`` says are led to one.
    """

    stage = "search"
    draws = False

    def __init__(
        self,
        encoders: Sequence[HashEncoder],
        originals: Tensor,
        wrong: Sequence[Tensor] = (),
        channels: ChannelSet = AS_IT_IS,
    ) -> None:
        self.encoders = tuple(encoders)
        self.wrong = tuple(wrong)
        self.channels = channels
        with torch.no_grad():
            self.outputs = [encoder.outputs(originals) for encoder in self.encoders]
        self.codes = [binary(outputs) for outputs in self.outputs]
        self.labels = [encoder.scores(codes).argmax(1) for encoder, codes in zip(self.encoders, self.codes, strict=True)]

    def looks(self, sample: Tensor, step: int) -> Sequence[Tensor]:
        """Return what a step looks at of one sampled view [B, 3, H, W]."""
        return (sample,)

    def view_losses(self, samples: Tensor, views: Sequence[int], step: int) -> Tensor:
        return torch.cat([self._view_loss(sample, step) for sample in of_each(samples, len(samples) // len(views))])

    def _view_loss(self, sample: Tensor, step: int) -> Tensor:
        looks = self.looks(sample, step)
        losses = [self._loss(index, encoder.outputs(look)) for index, encoder in enumerate(self.encoders) for look in looks]
        return torch.stack(losses).sum(0)

    def _loss(self, index: int, outputs: Tensor) -> Tensor:
        """Return how much more one encoder's outputs [B, bits] are like the label retrieved than like the wrong one."""
        scores = self.encoders[index].scores(outputs)
        return self._own(index, scores) - scores.gather(1, self.wrong[index][:, None])[:, 0]

    def _own(self, index: int, scores: Tensor) -> Tensor:
        return scores.gather(1, self.labels[index][:, None])[:, 0]

    def is_done(self, exact: Tensor, view: int, step: int) -> Tensor:
        done = torch.ones(len(exact), dtype=torch.bool, device=exact.device)
        for index, encoder in enumerate(self.encoders):
            codes = encoder.codes(exact)
            done &= encoder.scores(codes).argmax(1) != self.labels[index]
            done &= self._is_far(index, codes)
        return done

    def _is_far(self, index: int, codes: Tensor) -> Tensor:
        """Return which [B] of the codes [B, bits] of one encoder have what a rule asks besides another label."""
        return torch.ones(len(codes), dtype=torch.bool, device=codes.device)

    def update(self, gradient: Tensor, step: int) -> Tensor:
        return shaped_step(gradient)


class Published(Recession):
    """The paper's step, lambda * r / ||r||_2^2."""

    draws = True

    def update(self, gradient: Tensor, step: int) -> Tensor:
        return LAMBDA * gradient / gradient.square().sum((1, 2, 3), keepdim=True).clamp(min=1e-12)


class Signs(Recession):
    """The paper's baseline, iFGSM."""

    draws = True

    def update(self, gradient: Tensor, step: int) -> Tensor:
        return SIGN_STEP * gradient.sign()


class Codes(Recession):
    """Bits are driven over their thresholds, and those that are well across left alone."""

    shrinks = True

    def _loss(self, index: int, outputs: Tensor) -> Tensor:
        usual = self.outputs[index].abs().mean(1, keepdim=True).clamp(min=1e-6)
        return (self.codes[index] * outputs / usual + ACROSS).clamp(min=0).mean(1)

    def _is_far(self, index: int, codes: Tensor) -> Tensor:
        return (codes != self.codes[index]).float().mean(1) >= FLIPPED


class Nearest(Recession):
    """The code is led from its own label to the nearest other one, as little as suffices."""

    shrinks = True

    def _loss(self, index: int, outputs: Tensor) -> Tensor:
        """Return how much more outputs [B, bits] are like their own label than like the nearest other, which wins below 0."""
        scores = self.encoders[index].scores(outputs)
        return self._own(index, scores) - scores.scatter(1, self.labels[index][:, None], -torch.inf).amax(1)

    def _is_far(self, index: int, codes: Tensor) -> Tensor:
        return self._loss(index, codes) < -LEAD


class Unseen(Recession):
    """Away from the label, through other views of the photo, to the budget's end."""

    def __init__(
        self,
        encoders: Sequence[HashEncoder],
        originals: Tensor,
        wrong: Sequence[Tensor] = (),
        channels: ChannelSet = AS_IT_IS,
    ) -> None:
        super().__init__(encoders, originals, wrong, channels)
        self.momentum = Momentum()

    def looks(self, sample: Tensor, step: int) -> Sequence[Tensor]:
        # From the step alone, so that a photo gets what it would get in another batch.
        chances = [torch.Generator().manual_seed(VIEWS * step + number) for number in range(VIEWS)]
        return [diverse(sample, chance) for chance in chances]

    def _loss(self, index: int, outputs: Tensor) -> Tensor:
        return self._own(index, self.encoders[index].scores(outputs))

    def finished(self, images: Tensor, step: int) -> Tensor:
        # It fills the budget whatever these encoders read.
        return torch.zeros(len(images), dtype=torch.bool, device=images.device)

    def update(self, gradient: Tensor, step: int) -> Tensor:
        return SIGN_STEP * self.momentum.after(gradient).sign()


RULES: dict[Rule, type[Recession]] = {
    "published": Published,
    "ifgsm": Signs,
    "codes": Codes,
    "nearest": Nearest,
    "unseen": Unseen,
}


class SearchProtector(Optimising):
    """Hides photos from searches by the given encoders. The wrong labels of the paper's rules come from ``generator``.

    ``channels`` is what the cloak has to survive; None is nothing or, for pictures not much larger than an encoder's input, a
    careless JPEG: of larger ones, an encoder's own resizing averages out what JPEG does.
    """

    name = "search"

    def __init__(
        self,
        encoders: Sequence[HashEncoder],
        generator: torch.Generator,
        rule: Rule = "codes",
        channels: ChannelSet | None = None,
    ) -> None:
        if not encoders:
            raise ValueError("at least one encoder is needed")
        self.encoders = tuple(encoders)
        self.generator = generator
        self.rule: Rule = rule
        self.channels = channels

    def _family(self, originals: Tensor) -> ChannelSet:
        if self.channels is not None:
            return self.channels
        small = max(originals.shape[2:]) <= SMALL * min(encoder.side for encoder in self.encoders)
        return SMALL_PICTURES if small and self.rule == "codes" else AS_IT_IS

    def _wrong(self, encoder: HashEncoder, originals: Tensor) -> Tensor:
        """Return a label [B] drawn evenly among all but the one that is retrieved."""
        labels, classes = encoder.read(originals), len(encoder.classes)
        offsets = torch.randint(1, classes, (len(originals),), generator=self.generator).to(labels.device)
        return (labels + offsets) % classes

    def objective(self, originals: Tensor, budget: Budget) -> Recession:
        rule = RULES[self.rule]
        wrong = [self._wrong(encoder, originals) for encoder in self.encoders] if rule.draws else []
        return rule(self.encoders, originals, wrong, self._family(originals))
