"""The channels that a cloak has to survive: a few kinds of pipeline, from each of which every step samples another one.

Source: expectation over transformations (Athalye, Engstrom, Ilyas, Kwok, Synthesizing robust adversarial examples, 2018). Here
the sum runs over the kinds within a step, and over the members of a kind from step to step, so that a step costs only one
reading of each kind.
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
"""Similar pipelines. The first is the harshest, and the one that the stop rule reads."""


@dataclass(frozen=True)
class ChannelSet:
    """The views of a photo that a cloak is optimised for: view 0 is the photo itself, and each kind of pipeline adds one.

    A step optimises all views or, ``in_turn``, only one, which makes steps cheap but needs a few more of them.
    """

    kinds: tuple[Kind, ...] = ()
    in_turn: bool = False

    @property
    def views(self) -> int:
        """The number of views."""
        return 1 + len(self.kinds)

    def active_views(self, step: int) -> tuple[int, ...]:
        """Return the views that a step optimises."""
        return (step % self.views,) if self.in_turn else tuple(range(self.views))

    def sampled_views(self, images: Tensor, step: int, views: Sequence[int] | None = None) -> Tensor:
        """Return a sample of each view of images [B, 3, H, W], as [len(views) * B, 3, H, W]; differentiable.

        ``views`` defaults to the active ones of the step.
        """
        return torch.cat([self._sample(images, view, step) for view in (self.active_views(step) if views is None else views)])

    def _sample(self, images: Tensor, view: int, step: int) -> Tensor:
        if view == 0:
            return images
        kind = self.kinds[view - 1]
        # If views take turns, members advance once a round, so that each view meets every member.
        turn = step // self.views if self.in_turn else step
        return fitted(kind[turn % len(kind)].model(images), images)

    @torch.no_grad()
    def exact_views(self, images: Tensor, step: int = 0) -> Iterator[tuple[int, Tensor]]:
        """Yield each view's number and its images [B, 3, H, W] for the stop rule, by the harshest member's exact pipeline.

        Views are computed on demand. If they take turns, the step's active one comes first, so that a stop rule which fails
        there can end early.
        """
        first = step % self.views if self.in_turn else 0
        for view in (*range(first, self.views), *range(first)):
            if view == 0:
                yield 0, images
            else:
                exact = self.kinds[view - 1][0].exact
                yield view, torch.cat([fitted(as_tensor(exact(as_pixels(image[None]))).to(images), images) for image in images])


def of_each(values: Tensor, count: int) -> Tensor:
    """Reshape values [views * B, ...] of B images to [views, B, ...]."""
    return values.reshape(-1, count, *values.shape[1:])


def fitted(arrived: Tensor, images: Tensor) -> Tensor:
    """Resize processed images [B, 3, h, w] to the size of the originals; adversaries resize their input anyway."""
    if arrived.shape[2:] == images.shape[2:]:
        return arrived
    return resampled(arrived, images.shape[2], images.shape[3], "bilinear")


AS_IT_IS = ChannelSet()
"""No processing."""

OWN_FILE = ChannelSet(((Pipeline("own", JPEG_QUALITY, subsampled=False),),))
"""The daemon's JPEG."""

LARGE = ChannelSet(OWN_FILE.kinds, in_turn=True)
"""For photos so large that adversaries' resizing averages out the site's processing."""

SMALL_PICTURES = ChannelSet(((Pipeline("careless", 75),),))
"""Processing of pictures that are already small."""

UPLOADS = ChannelSet(
    (
        tuple(Pipeline(f"jpeg{quality}", quality) for quality in (70, 85, 75, 90)),
        tuple(Pipeline(f"smaller{quality}", quality, scale=scale) for scale, quality in ((0.7, 80), (0.85, 75), (0.75, 90))),
    ),
    in_turn=True,
)
"""Processing by most sites: JPEG with chroma at half the resolution, with or without resizing."""

LEAST_KEPT = 1080
"""Smallest bound in pixels that a known site puts on the longest side (channel/sites.json)."""

AVERAGED = 2.0
"""Size of the posted photo, in multiples of an adversary's input, from which a site's JPEG is averaged out."""


def expected(longest: int, read_at: int) -> ChannelSet:
    """Return the channels that a photo has to survive, by its longest side and the one at which adversaries read it.

    The smaller the posted photo, the more of the site's processing reaches them.
    """
    return LARGE if min(longest, LEAST_KEPT) >= AVERAGED * read_at else UPLOADS
