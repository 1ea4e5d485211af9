"""Recessive images: photos for which a reverse image search by deep hashing no longer finds similar ones.

Source: "Recessive Social Networking: Preventing Privacy Leakage against Reverse Image Search". The paper draws a wrong label at
random and adds steps along r, the difference of its gradient and that of the retrieved label, until another label is retrieved.

Two rules are the paper's: ``published`` takes its step, lambda * r / ||r||_2^2; ``ifgsm`` is its baseline, the sign of r. Three
are ours and draw no label. ``codes``, the default, drives the bits of the code over their thresholds, in all given encoders at
once, and ignores bits that are well across. ``nearest`` stops as early as the paper's rule, and moves the code to the nearest
other label. ``unseen`` is for unknown encoders: it moves away from the label, uses the whole budget, and reads different views
of the photo at every step.
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
"""The paper's lambda: the first-order gain of the wrong label's score over the retrieved one's in a published step."""

SIGN_STEP = 1 / 255
"""The step of iFGSM."""

ACROSS = 0.5
"""Distance beyond its threshold to which a bit is driven, in units of the encoder's mean output."""

FLIPPED = 0.5
"""The share of bits that have to differ, about as many as between codes of different classes."""

SMALL = 4
"""Largest size, in multiples of an encoder's input, at which JPEG still affects what the encoder reads."""

LEAD = 0.3
"""Lead in similarity of another label over the original one that ``nearest`` requires; identical codes have similarity 1."""

VIEWS = 4
"""Views of a photo that a step of ``unseen`` reads, since what they have in common transfers to other encoders."""

Rule = Literal["published", "ifgsm", "codes", "nearest", "unseen"]


class Recession(RobustDescent):
    """The objective for one batch of originals [B, 3, H, W] against encoders; each rule is a subclass.

    ``wrong`` holds the wrong labels [B] for each encoder, if the rule ``draws`` labels.
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
        """Return the variants of one sampled view [B, 3, H, W] that a step reads."""
        return (sample,)

    def view_losses(self, samples: Tensor, views: Sequence[int], step: int) -> Tensor:
        return torch.cat([self._view_loss(sample, step) for sample in of_each(samples, len(samples) // len(views))])

    def _view_loss(self, sample: Tensor, step: int) -> Tensor:
        looks = self.looks(sample, step)
        losses = [self._loss(index, encoder.outputs(look)) for index, encoder in enumerate(self.encoders) for look in looks]
        return torch.stack(losses).sum(0)

    def _loss(self, index: int, outputs: Tensor) -> Tensor:
        """Return how much more similar [B] one encoder's outputs [B, bits] are to the retrieved label than to the wrong one."""
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
        """Return which [B] of one encoder's codes [B, bits] meet what a rule requires besides another label."""
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
    """Drives bits over their thresholds, and ignores those that are well across."""

    shrinks = True

    def _loss(self, index: int, outputs: Tensor) -> Tensor:
        usual = self.outputs[index].abs().mean(1, keepdim=True).clamp(min=1e-6)
        return (self.codes[index] * outputs / usual + ACROSS).clamp(min=0).mean(1)

    def _is_far(self, index: int, codes: Tensor) -> Tensor:
        return (codes != self.codes[index]).float().mean(1) >= FLIPPED


class Nearest(Recession):
    """Moves the code from its label to the nearest other one, just as far as needed."""

    shrinks = True

    def _loss(self, index: int, outputs: Tensor) -> Tensor:
        """Return the lead in similarity [B] of the label of outputs [B, bits] over the nearest other label."""
        scores = self.encoders[index].scores(outputs)
        return self._own(index, scores) - scores.scatter(1, self.labels[index][:, None], -torch.inf).amax(1)

    def _is_far(self, index: int, codes: Tensor) -> Tensor:
        return self._loss(index, codes) < -LEAD


class Unseen(Recession):
    """Moves away from the label, in random views of the photo, until the budget is spent."""

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
        # Seeds depend only on the step, so that results do not depend on the batch.
        chances = [torch.Generator().manual_seed(VIEWS * step + number) for number in range(VIEWS)]
        return [diverse(sample, chance) for chance in chances]

    def _loss(self, index: int, outputs: Tensor) -> Tensor:
        return self._own(index, self.encoders[index].scores(outputs))

    def finished(self, images: Tensor, step: int) -> Tensor:
        # It spends the whole budget, whatever these encoders read.
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
    """Hides photos from searches by the given encoders. ``generator`` draws the wrong labels of the paper's rules.

    ``channels`` is what the cloak has to survive. None means nothing or, for pictures not much larger than an encoder's input,
    a careless JPEG. In larger ones, the encoder's resizing averages out JPEG's errors.
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
        """Return labels [B], each drawn uniformly from all but the retrieved one."""
        labels, classes = encoder.read(originals), len(encoder.classes)
        offsets = torch.randint(1, classes, (len(originals),), generator=self.generator).to(labels.device)
        return (labels + offsets) % classes

    def objective(self, originals: Tensor, budget: Budget) -> Recession:
        rule = RULES[self.rule]
        wrong = [self._wrong(encoder, originals) for encoder in self.encoders] if rule.draws else []
        return rule(self.encoders, originals, wrong, self._family(originals))
