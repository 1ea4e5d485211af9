"""Keeps track of a two-stage detector's region proposals in each view of a photo that is being cloaked."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from protectors.adversaries.detector import Proposals

FOREMOST = 128
"""Proposals of one look at an image that are pushed."""

REMEMBERED = 384
"""Proposals of an image that are pushed at once, fresh and earlier ones together."""


class ProposalTracker:
    """Holds the proposals to push in each view of each image, and whether the last look found anything there.

    A *place* is one view of one image, numbered ``view * images + image``.

    Args:
        first: the first proposals to push at each place.
        views: number of views of each image.
        quiet_below: a place is quiet if the probabilities of all classes to hide are below this.
    """

    def __init__(self, first: Sequence[Proposals], views: int, quiet_below: float) -> None:
        self.images = len(first) // views
        self._views = views
        self._quiet_below = quiet_below
        self._device = first[0].boxes.device
        # Earlier proposals follow the fresh ones, lest the detector return to them.
        self._pushed = list(first)
        self._quiet = [False] * len(first)
        self._age = [0] * views
        """Steps since each view was last looked at."""

    def places(self, views: Iterable[int]) -> list[int]:
        """Return the places of some views, view by view."""
        return [view * self.images + image for view in views for image in range(self.images)]

    def pushed(self, places: Iterable[int]) -> list[Proposals]:
        """Return the proposals to push at some places."""
        return [self._pushed[place] for place in places]

    def see(self, place: int, proposals: Proposals, threats: Tensor, push: bool) -> None:
        """Note the result of a look at one place.

        Args:
            proposals: the proposals that were read.
            threats: the largest probability [P] of a class to hide at each.
            push: whether these proposals are pushed from now on, ahead of the earlier ones.
        """
        self._quiet[place] = not len(threats) or bool(threats.amax() < self._quiet_below)
        if push:
            # Only the highest probabilities matter: the others' gradients cost time and change nothing.
            foremost = proposals.boxes[threats.topk(min(FOREMOST, len(threats))).indices]
            self._pushed[place] = Proposals(torch.cat([foremost, self._pushed[place].boxes])[:REMEMBERED])

    def is_quiet(self, views: Iterable[int]) -> Tensor:
        """Return which images [B] (bool) were quiet in all given views at the last look at each."""
        places = [[view * self.images + image for view in views] for image in range(self.images)]
        return torch.tensor([all(self._quiet[place] for place in image_places) for image_places in places], device=self._device)

    def grow_older(self, viewed: Sequence[int]) -> None:
        """Count one step in which the given views were looked at."""
        self._age = [0 if view in viewed else age + 1 for view, age in enumerate(self._age)]

    def next_view(self, step: int) -> int:
        """Return the view for a step, if views take turns.

        It is the first that was not quiet, or was not looked at for long. Earlier views come first, since a cloak that works
        only in the untouched file (view 0) is useful, while one that fails there is not.
        """
        for view in range(self._views):
            if self._age[view] >= self._views or not bool(self.is_quiet([view]).all()):
                return view
        return step % self._views
