"""A descent over several views of a photo: the photo itself, and its forms after the pipelines of a channel set.

The loop over views is only here. Methods define the loss of one view, and when an image is done in it.
"""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from protectors.channel.channel_set import ChannelSet, of_each
from protectors.optimisation import Descent


class RobustDescent(Descent):
    """An objective that sums the losses of a step's views, and is finished once it is done in every exact view."""

    channels: ChannelSet

    def active_views(self, step: int) -> tuple[int, ...]:
        """Return the views that are optimised in a step."""
        return self.channels.active_views(step)

    def loss(self, images: Tensor, step: int) -> Tensor:
        views = self.active_views(step)
        losses = self.view_losses(self.channels.sampled_views(images, step, views), views, step)
        return of_each(losses, len(images)).sum(0)

    @abstractmethod
    def view_losses(self, samples: Tensor, views: Sequence[int], step: int) -> Tensor:
        """Return the losses [views * B], view by view, of samples [views * B, 3, H, W]; differentiable."""

    @torch.no_grad()
    def finished(self, images: Tensor, step: int) -> Tensor:
        done = self.may_be_done(images, step)
        for view, exact in self.channels.exact_views(images, step):
            done = done & self.is_done(exact, view, step)
            if not done.any() and self.ends_early:
                break
        return done

    def may_be_done(self, images: Tensor, step: int) -> Tensor:
        """Return which images [B] (bool) may be finished at this step, before anything is read."""
        return torch.ones(len(images), dtype=torch.bool, device=images.device)

    @property
    def ends_early(self) -> bool:
        """Whether the remaining views are skipped once no image is done."""
        return True

    @abstractmethod
    def is_done(self, exact: Tensor, view: int, step: int) -> Tensor:
        """Return which images [B] (bool) are done in one exact view [B, 3, H, W]."""
