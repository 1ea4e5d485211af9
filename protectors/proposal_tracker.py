"""Keeps track of a two-stage detector's region proposals while a photo is changed, in each view of it."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from protectors.adversaries.detector import Proposals

FOREMOST = 128
"""Proposals an image that are pushed of those of one look."""

REMEMBERED = 384
"""Proposals an image that are pushed at once, fresh and earlier ones together."""


class ProposalTracker:
    """The proposals that are pushed in each view of each image, and what was seen at the last look.

    A *place* is one view of one image; place ``view * images + image`` of all.

    Args:
        first: what is pushed at first at each place.
        views: how many views there are of each image.
        quiet_below: a place is quiet where all that must not be read is below this probability.
    """

    def __init__(self, first: Sequence[Proposals], views: int, quiet_below: float) -> None:
        self.images = len(first) // views
        self._views = views
        self._quiet_below = quiet_below
        self._device = first[0].boxes.device
        # Fresh proposals come first, then earlier ones, lest the detector go back to what it just left.
        self._pushed = list(first)
        self._quiet = [False] * len(first)
        self._age = [0] * views
        """Steps since each view was last looked at."""

    def places(self, views: Iterable[int]) -> list[int]:
        """Return the places of some views, view by view."""
        return [view * self.images + image for view in views for image in range(self.images)]

    def pushed(self, places: Iterable[int]) -> list[Proposals]:
        """Return what is pushed at some places."""
        return [self._pushed[place] for place in places]

    def see(self, place: int, proposals: Proposals, threats: Tensor, push: bool) -> None:
        """Note what a look at one place showed.

        Args:
            proposals: the proposals that it was read at.
            threats: the probability [P] there of what must not be read.
            push: whether these proposals are pushed from now on, and the earlier ones after them.
        """
        self._quiet[place] = not len(threats) or bool(threats.amax() < self._quiet_below)
        if push:
            # Those that threaten most: the others' gradients cost time, and bring nothing.
            foremost = proposals.boxes[threats.topk(min(FOREMOST, len(threats))).indices]
            self._pushed[place] = Proposals(torch.cat([foremost, self._pushed[place].boxes])[:REMEMBERED])

    def is_quiet(self, views: Iterable[int]) -> Tensor:
        """Return which images [B] (bool) were quiet in all of some views when each was last looked at."""
        places = [[view * self.images + image for view in views] for image in range(self.images)]
        return torch.tensor([all(self._quiet[place] for place in own) for own in places], device=self._device)

    def grow_older(self, looked_at: Sequence[int]) -> None:
        """Count one step in which some views were looked at."""
        self._age = [0 if view in looked_at else age + 1 for view, age in enumerate(self._age)]

    def next_view(self, step: int) -> int:
        """Return the view that a step is for, where views take turns.

        It is the first that was not quiet, or was not looked at for long: what survives nothing but an untouched file is of
        use, what survives all else is not.
        """
        for view in range(self._views):
            if self._age[view] >= self._views or not bool(self.is_quiet([view]).all()):
                return view
        return step % self._views
