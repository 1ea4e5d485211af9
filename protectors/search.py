"""Recessive images: photos that a reverse image search by deep hashing no longer finds the likes of.

Source: "Recessive Social Networking: Preventing Privacy Leakage against Reverse Image Search". A wrong label is drawn at
random, and steps along r, the difference of its gradient and that of the label that is retrieved, are added until another one
is. Of the rules that are offered two are the paper's: ``published`` takes its step, lambda * r / ||r||_2^2; ``ifgsm`` is its
baseline, the sign of r. Two are ours and draw no label: ``codes``, the default, drives the bits of the code itself over their
thresholds, in as many encoders at once as it is given, and leaves alone those that are well across; ``nearest`` asks as little
as the paper's rule, and leads the code to the label that is nearest anyhow. Ours too is ``unseen``, for encoders that are not
at hand: it leads away from the label, fills the budget, and looks at other views of the photo at every step.
"""

from collections.abc import Generator, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from protectors.adversaries.hash_encoder import HashEncoder, binary
from protectors.base import Budget, Outcome, Progress, Protector, Verdict
from protectors.channels import jpeg
from protectors.jpeg import compressed
from protectors.optimisation import optimise, shaped_step
from protectors.resizing import resized

LAMBDA = 0.1
"""By how much, to first order, a published step raises the wrong label's score over the retrieved one's."""

SIGN_STEP = 1 / 255
"""The step of iFGSM."""

ACROSS = 0.5
"""How far beyond its threshold a bit is driven, in units of the encoder's usual output."""

FLIPPED = 0.5
"""The share of bits that have to differ: codes of different classes differ in about as many."""

SITE_QUALITY = 75
"""Of the JPEG, with chroma at half the resolution, that a code has to survive: what small pictures get at careless sites."""

SMALL = 4
"""Times an encoder's input: up to this size JPEG acts on what it reads."""

LEAD = 0.3
"""By how much a code has to be more like another label's than like its own, for ``nearest``; identical codes are alike by 1."""

VIEWS = 4
"""Views of a photo that a step of ``unseen`` looks at: what they have in common, other encoders have as well."""

SMALLEST_VIEW = 0.8
"""The least share of a photo's side that a view is drawn at."""

Rule = Literal["published", "ifgsm", "codes", "nearest", "unseen"]

PAPERS: tuple[Rule, ...] = ("published", "ifgsm")
"""The rules that are given a wrong label."""


class Recession:
    """The objective of one batch. ``wrong`` are labels [B], one of each encoder, drawn by the caller; ours need none."""

    stage = "search"

    def __init__(
        self,
        encoders: Sequence[HashEncoder],
        originals: Tensor,
        wrong: Sequence[Tensor],
        rule: Rule,
    ) -> None:
        self.encoders = tuple(encoders)
        self.rule = rule
        self.shrinks = rule in ("codes", "nearest")
        self.momentum = torch.zeros_like(originals)
        # What JPEG does to larger photos, an encoder's own resizing averages out.
        self.small = rule == "codes" and max(originals.shape[2:]) <= SMALL * min(own.side for own in self.encoders)
        self.wrong = tuple(wrong)
        with torch.no_grad():
            outputs = [encoder.outputs(originals) for encoder in self.encoders]
        self.codes = [binary(own) for own in outputs]
        self.usual = [own.abs().mean(1, keepdim=True).clamp(min=1e-6) for own in outputs]
        self.labels = [own.scores(codes).argmax(1) for own, codes in zip(self.encoders, self.codes, strict=True)]

    def loss(self, images: Tensor, step: int) -> Tensor:
        if self.rule == "unseen":
            # From the step alone, so that a photo gets what it would get in another batch.
            forms = [view(images, torch.Generator().manual_seed(VIEWS * step + number)) for number in range(VIEWS)]
        else:
            forms = [images, compressed(images, SITE_QUALITY)] if self.small else [images]
        losses = [self._loss(index, encoder.outputs(form)) for index, encoder in enumerate(self.encoders) for form in forms]
        return torch.stack(losses).sum(0)

    def _loss(self, index: int, outputs: Tensor) -> Tensor:
        if self.rule == "codes":
            kept = self.codes[index] * outputs / self.usual[index]
            return (kept + ACROSS).clamp(min=0).mean(1)
        if self.rule == "nearest":
            return self._lead(index, outputs)
        scores = self.encoders[index].scores(outputs)
        own = scores.gather(1, self.labels[index][:, None])[:, 0]
        return own if self.rule == "unseen" else own - scores.gather(1, self.wrong[index][:, None])[:, 0]

    def _lead(self, index: int, outputs: Tensor) -> Tensor:
        """How much more outputs [B, bits] are like their own label than like the nearest other: below 0 that is retrieved."""
        scores, own = self.encoders[index].scores(outputs), self.labels[index][:, None]
        return scores.gather(1, own)[:, 0] - scores.scatter(1, own, -torch.inf).amax(1)

    @torch.no_grad()
    def finished(self, images: Tensor, step: int) -> Tensor:
        if self.rule == "unseen":
            # It fills the budget whatever these encoders read.
            return torch.zeros(len(images), dtype=torch.bool, device=images.device)
        done = torch.ones(len(images), dtype=torch.bool, device=images.device)
        for form in [images, jpeg(images, SITE_QUALITY, subsampled=True)] if self.small else [images]:
            for index, encoder in enumerate(self.encoders):
                now = encoder.codes(form)
                if self.rule == "codes":
                    done &= (now != self.codes[index]).float().mean(1) >= FLIPPED
                done &= encoder.scores(now).argmax(1) != self.labels[index]
                if self.rule == "nearest":
                    done &= self._lead(index, now) < -LEAD
        return done

    def update(self, gradient: Tensor, step: int) -> Tensor:
        if self.rule == "published":
            return LAMBDA * gradient / gradient.square().sum((1, 2, 3), keepdim=True).clamp(min=1e-12)
        if self.rule == "ifgsm":
            return SIGN_STEP * gradient.sign()
        if self.rule == "unseen":
            # Dong et al. (Boosting adversarial attacks with momentum, 2018), equations 6 and 7.
            self.momentum = self.momentum + gradient / gradient.abs().mean((1, 2, 3), keepdim=True).clamp(min=1e-12)
            return SIGN_STEP * self.momentum.sign()
        return shaped_step(gradient)


def view(images: Tensor, chance: torch.Generator) -> Tensor:
    """Images [B, 3, H, W] drawn somewhat smaller, somewhere in the frame, with their edges carried on, perhaps mirrored.

    Source: Xie et al., Improving transferability of adversarial examples with input diversity (CVPR 2019).
    """
    height, width = images.shape[2:]
    scale = SMALLEST_VIEW + (1 - SMALLEST_VIEW) * float(torch.rand(1, generator=chance))
    small = resized(images, max(1, round(height * scale)), max(1, round(width * scale)))
    rows, columns = height - small.shape[2], width - small.shape[3]
    top, left = (int(torch.randint(0, free + 1, (1,), generator=chance)) for free in (rows, columns))
    framed = functional.pad(small, (left, columns - left, top, rows - top), mode="replicate")
    return framed.flip(3) if float(torch.rand(1, generator=chance)) < 0.5 else framed


class SearchProtector(Protector):
    """Hides photos from searches by the given encoders. The wrong labels of the paper's rules come from ``generator``."""

    name = "search"

    def __init__(self, encoders: Sequence[HashEncoder], generator: torch.Generator, rule: Rule = "codes") -> None:
        if not encoders:
            raise ValueError("at least one encoder is needed")
        self.encoders = tuple(encoders)
        self.generator = generator
        self.rule: Rule = rule

    def _wrong(self, encoder: HashEncoder, originals: Tensor) -> Tensor:
        """A label [B] drawn evenly among all but the one that is retrieved."""
        labels, classes = encoder.read(originals), len(encoder.classes)
        offsets = torch.randint(1, classes, (len(originals),), generator=self.generator).to(labels.device)
        return (labels + offsets) % classes

    def protect(self, originals: Tensor, budget: Budget, start: Tensor | None = None) -> Generator[Progress, None, Outcome]:
        wrong = [self._wrong(encoder, originals) for encoder in self.encoders] if self.rule in PAPERS else []
        objective = Recession(self.encoders, originals, wrong, self.rule)
        return (yield from optimise(originals, objective, budget, start))

    def judge(self, originals: Tensor, delivered: Tensor, surely: bool = False) -> list[Verdict]:
        """One verdict an image and encoder, image by image. Protected means that another label is retrieved; surely, that
        a quarter of the code's bits differ as well."""
        verdicts = [self._verdicts(encoder, originals, delivered, surely) for encoder in self.encoders]
        return [verdict for image in zip(*verdicts, strict=True) for verdict in image]

    def _verdicts(self, encoder: HashEncoder, originals: Tensor, delivered: Tensor, surely: bool) -> list[Verdict]:
        before, after = encoder.codes(originals), encoder.codes(delivered)
        flipped = (before != after).float().mean(1)
        labels = (encoder.scores(codes).argmax(1).tolist() for codes in (before, after))
        return [
            Verdict(
                self.name,
                encoder.name,
                first != second and (not surely or share >= FLIPPED / 2),
                (encoder.classes[first],),
                (encoder.classes[second],),
            )
            for first, second, share in zip(*labels, flipped.tolist(), strict=True)
        ]
