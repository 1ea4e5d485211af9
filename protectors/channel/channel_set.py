"""The channels that a cloak has to survive: a few kinds of pipeline, of each of which every step samples another one.

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
class ChannelSet:
    """The views of a photo that a cloak is optimised for: view 0 is the photo as it is, and each kind of pipeline is one more.

    A step is for all of them or, ``in_turn``, for one, which costs a step no more than one reading, and a few more steps.
    """

    kinds: tuple[Kind, ...] = ()
    in_turn: bool = False

    @property
    def views(self) -> int:
        """The number of views that a photo is read in."""
        return 1 + len(self.kinds)

    def active_views(self, step: int) -> tuple[int, ...]:
        """Return the views that a step is for."""
        return (step % self.views,) if self.in_turn else tuple(range(self.views))

    def sampled_views(self, images: Tensor, step: int, views: Sequence[int] | None = None) -> Tensor:
        """Return a sample of each view [len(views) * B, 3, H, W] of images [B, 3, H, W], differentiable.

        Without ``views`` those that the step is for.
        """
        return torch.cat([self._sample(images, view, step) for view in (self.active_views(step) if views is None else views)])

    def _sample(self, images: Tensor, view: int, step: int) -> Tensor:
        if view == 0:
            return images
        kind = self.kinds[view - 1]
        # Where views take turns, so that each of them meets every member.
        turn = step // self.views if self.in_turn else step
        return fitted(kind[turn % len(kind)].model(images), images)

    @torch.no_grad()
    def exact_views(self, images: Tensor, step: int = 0) -> Iterator[tuple[int, Tensor]]:
        """Yield each view's number and what the stop rule reads of it [B, 3, H, W], by the exact pipelines of the harshest.

        They are made as they are asked for. Where views take turns the step's own comes first: a stop rule that is not met
        there need not ask on.
        """
        first = step % self.views if self.in_turn else 0
        for view in (*range(first, self.views), *range(first)):
            if view == 0:
                yield 0, images
            else:
                exact = self.kinds[view - 1][0].exact
                yield view, torch.cat([fitted(as_tensor(exact(as_pixels(image[None]))).to(images), images) for image in images])


def of_each(values: Tensor, count: int) -> Tensor:
    """Return values [views * B, ...] of B images as [views, B, ...]."""
    return values.reshape(-1, count, *values.shape[1:])


def fitted(arrived: Tensor, images: Tensor) -> Tensor:
    """Return what arrived [B, 3, h, w] at the size of the images: an adversary resizes what it reads anyhow."""
    if arrived.shape[2:] == images.shape[2:]:
        return arrived
    return resampled(arrived, images.shape[2], images.shape[3], "bilinear")


AS_IT_IS = ChannelSet()
"""A file that nobody touches."""

OWN_FILE = ChannelSet(((Pipeline("own", JPEG_QUALITY, subsampled=False),),))
"""The daemon's own JPEG."""

LARGE = ChannelSet(OWN_FILE.kinds, in_turn=True)
"""Photos so large that what a site does to them is averaged out where adversaries read them."""

SMALL_PICTURES = ChannelSet(((Pipeline("careless", 75),),))
"""What sites do to pictures that are small already."""

UPLOADS = ChannelSet(
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


def expected(longest: int, read_at: int) -> ChannelSet:
    """Return the channels that a photo of a longest side has to survive, when the adversaries read it at another.

    The smaller it is posted, the more of what a site does to it reaches them.
    """
    return LARGE if min(longest, LEAST_KEPT) >= AVERAGED * read_at else UPLOADS
