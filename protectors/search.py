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
from protectors.channel.family import AS_IT_IS, SMALL_PICTURES, Family, of_each
from protectors.optimisation import Descent, Optimising, shaped_step
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


class Recession(Descent):
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
        family: Family = AS_IT_IS,
    ) -> None:
        self.encoders = tuple(encoders)
        self.wrong = tuple(wrong)
        self.family = family
        with torch.no_grad():
            self.outputs = [encoder.outputs(originals) for encoder in self.encoders]
        self.codes = [binary(own) for own in self.outputs]
        self.labels = [own.scores(codes).argmax(1) for own, codes in zip(self.encoders, self.codes, strict=True)]

    def forms(self, images: Tensor, step: int) -> Sequence[Tensor]:
        """What of the images a step looks at."""
        return of_each(self.family.drawn(images, step), len(images)).unbind()

    def loss(self, images: Tensor, step: int) -> Tensor:
        forms = self.forms(images, step)
        losses = [self._loss(index, encoder.outputs(form)) for index, encoder in enumerate(self.encoders) for form in forms]
        return torch.stack(losses).sum(0)

    def _loss(self, index: int, outputs: Tensor) -> Tensor:
        """Of one encoder's outputs [B, bits]: how much more they are like the label retrieved than like the wrong one."""
        scores = self.encoders[index].scores(outputs)
        return self._own(index, scores) - scores.gather(1, self.wrong[index][:, None])[:, 0]

    def _own(self, index: int, scores: Tensor) -> Tensor:
        return scores.gather(1, self.labels[index][:, None])[:, 0]

    @torch.no_grad()
    def finished(self, images: Tensor, step: int) -> Tensor:
        done = torch.ones(len(images), dtype=torch.bool, device=images.device)
        for _, form in self.family.asked(images, step):
            for index, encoder in enumerate(self.encoders):
                codes = encoder.codes(form)
                done &= encoder.scores(codes).argmax(1) != self.labels[index]
                done &= self._content(index, codes)
            if not done.any():
                break
        return done

    def _content(self, index: int, codes: Tensor) -> Tensor:
        """Which [B] of the codes [B, bits] of one encoder have what a rule asks besides another label."""
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

    def _content(self, index: int, codes: Tensor) -> Tensor:
        return (codes != self.codes[index]).float().mean(1) >= FLIPPED


class Nearest(Recession):
    """As little as leads the code from its own label to the nearest other one."""

    shrinks = True

    def _loss(self, index: int, outputs: Tensor) -> Tensor:
        """How much more outputs [B, bits] are like their own label than like the nearest other: below 0 that is retrieved."""
        scores = self.encoders[index].scores(outputs)
        return self._own(index, scores) - scores.scatter(1, self.labels[index][:, None], -torch.inf).amax(1)

    def _content(self, index: int, codes: Tensor) -> Tensor:
        return self._loss(index, codes) < -LEAD


class Unseen(Recession):
    """Away from the label, through other views of the photo, to the budget's end."""

    def __init__(
        self,
        encoders: Sequence[HashEncoder],
        originals: Tensor,
        wrong: Sequence[Tensor] = (),
        family: Family = AS_IT_IS,
    ) -> None:
        super().__init__(encoders, originals, wrong, family)
        self.momentum = Momentum()

    def forms(self, images: Tensor, step: int) -> Sequence[Tensor]:
        # From the step alone, so that a photo gets what it would get in another batch.
        chances = [torch.Generator().manual_seed(VIEWS * step + number) for number in range(VIEWS)]
        return [diverse(form, chance) for form in super().forms(images, step) for chance in chances]

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

    ``family`` is what the cloak has to survive; None is nothing or, for pictures not much larger than an encoder's input, a
    careless JPEG: of larger ones, an encoder's own resizing averages out what JPEG does.
    """

    name = "search"

    def __init__(
        self,
        encoders: Sequence[HashEncoder],
        generator: torch.Generator,
        rule: Rule = "codes",
        family: Family | None = None,
    ) -> None:
        if not encoders:
            raise ValueError("at least one encoder is needed")
        self.encoders = tuple(encoders)
        self.generator = generator
        self.rule: Rule = rule
        self.family = family

    def _family(self, originals: Tensor) -> Family:
        if self.family is not None:
            return self.family
        small = max(originals.shape[2:]) <= SMALL * min(own.side for own in self.encoders)
        return SMALL_PICTURES if small and self.rule == "codes" else AS_IT_IS

    def _wrong(self, encoder: HashEncoder, originals: Tensor) -> Tensor:
        """A label [B] drawn evenly among all but the one that is retrieved."""
        labels, classes = encoder.read(originals), len(encoder.classes)
        offsets = torch.randint(1, classes, (len(originals),), generator=self.generator).to(labels.device)
        return (labels + offsets) % classes

    def objective(self, originals: Tensor, budget: Budget) -> Recession:
        rule = RULES[self.rule]
        wrong = [self._wrong(encoder, originals) for encoder in self.encoders] if rule.draws else []
        return rule(self.encoders, originals, wrong, self._family(originals))
