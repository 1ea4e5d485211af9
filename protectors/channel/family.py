"""What a cloak has to survive: a few kinds of pipeline, of each of which every step tries another one.

Source: expectation over transformations (Athalye, Engstrom, Ilyas, Kwok, Synthesizing robust adversarial examples, 2018); here
its sum runs over the kinds at every step and over the members of a kind from step to step, so that a step costs no more than
one reading of each kind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from protectors.channel.exact import JPEG_QUALITY
from protectors.channel.pipeline import Pipeline
from protectors.channel.resizing import resampled
from protectors.quality import as_pixels, as_tensor

Kind = tuple[Pipeline, ...]
"""Pipelines that do much the same; the first is the harshest, and is what the stop rule asks for."""


@dataclass(frozen=True)
class Family:
    """A cloak is optimised for the photo as it is, and for one pipeline of each kind: all in every step, or ``in_turn`` one a
    step, which costs a step no more than one reading, and a few more steps."""

    kinds: tuple[Kind, ...] = ()
    in_turn: bool = False

    @property
    def forms(self) -> int:
        """How many forms a photo is read in."""
        return 1 + len(self.kinds)

    def looked_at(self, step: int) -> tuple[int, ...]:
        """Which forms this step is for; form 0 is the photo as it is."""
        return (step % self.forms,) if self.in_turn else tuple(range(self.forms))

    def drawn(self, images: Tensor, step: int, forms: Sequence[int] | None = None) -> Tensor:
        """The forms [len(forms) * B, 3, H, W] of images [B, 3, H, W] that this step is for, differentiable; without ``forms``
        those that it looks at."""
        return torch.cat([self._form(images, form, step) for form in (self.looked_at(step) if forms is None else forms)])

    def _form(self, images: Tensor, form: int, step: int) -> Tensor:
        if form == 0:
            return images
        kind = self.kinds[form - 1]
        # Where forms take turns, so that each of them meets every member.
        turn = step // self.forms if self.in_turn else step
        return fitted(kind[turn % len(kind)].model(images), images)

    @torch.no_grad()
    def asked(self, images: Tensor, step: int = 0) -> Iterator[tuple[int, Tensor]]:
        """Each form's number and what the stop rule reads of it [B, 3, H, W], by the exact pipelines, made as it is asked for:
        where forms take turns the step's own comes first, and who is not content with it need not ask on."""
        first = step % self.forms if self.in_turn else 0
        for form in (*range(first, self.forms), *range(first)):
            if form == 0:
                yield 0, images
            else:
                exact = self.kinds[form - 1][0].exact
                yield form, torch.cat([fitted(as_tensor(exact(as_pixels(own[None]))).to(images), images) for own in images])


def of_each(values: Tensor, count: int) -> Tensor:
    """Values [forms * B, ...] of B images as [forms, B, ...]."""
    return values.reshape(-1, count, *values.shape[1:])


def fitted(arrived: Tensor, images: Tensor) -> Tensor:
    """What arrived [B, 3, h, w] at the size of the images: an adversary resizes what it reads anyhow."""
    if arrived.shape[2:] == images.shape[2:]:
        return arrived
    return resampled(arrived, images.shape[2], images.shape[3], "bilinear")


AS_IT_IS = Family()
"""A file that nobody touches."""

OWN_FILE = Family(((Pipeline("own", JPEG_QUALITY, subsampled=False),),))
"""The daemon's own JPEG."""

LARGE = Family(OWN_FILE.kinds, in_turn=True)
"""Photos so large that what a site does to them is averaged out where adversaries read them."""

SMALL_PICTURES = Family(((Pipeline("careless", 75),),))
"""What sites do to pictures that are small already."""

UPLOADS = Family(
    (
        tuple(Pipeline(f"jpeg{quality}", quality) for quality in (70, 85, 75, 90)),
        tuple(Pipeline(f"smaller{quality}", quality, scale=scale) for scale, quality in ((0.7, 80), (0.85, 75), (0.75, 90))),
    ),
    in_turn=True,
)
"""Uploads as most sites treat them: smaller or not, and JPEG with chroma at half the resolution."""

LEAST_KEPT = 1080
"""The longest side in pixels that no known site makes a photo smaller than (channel/sites.json)."""

AVERAGED = 2.0
"""Times what an adversary reads at: where a site keeps as much, its JPEG is averaged out."""


def expected(longest: int, read_at: int) -> Family:
    """What a photo of a longest side has to survive, when the adversaries read it at another: the smaller it is posted, the
    more of what a site does to it reaches them."""
    return LARGE if min(longest, LEAST_KEPT) >= AVERAGED * read_at else UPLOADS
