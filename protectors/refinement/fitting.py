"""Scales a perturbation to the largest size at which the delivered file is above the quality floor."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from torch import Tensor

from protectors.floor import CAREFUL, LEAST, PERFECT, Trial, predicted, share_on_floor
from protectors.judging.judge import Judge
from protectors.judging.quality import Quality
from protectors.native import NativePerturbation, NativeResult
from protectors.policy import FLOORS
from protectors.progress import Progress
from protectors.saving import Save
from protectors.windows import LARGE, SIDE, PhotoWindows, WindowedPhoto

LARGEST_SHARE = 2.0
"""Largest factor on a perturbation fitted at the working resolution, since enlarging weakens it."""

GOOD_SHARE = 0.93
"""A way to save a photo that allows this share of a perturbation is accepted, and later ones are not tried."""

TRIALS = 4
"""Largest number of whole files that are measured for one photo."""


@dataclass(frozen=True)
class _Found:
    """The share that a way to save the photo allows, and the resulting photo if whole files were measured to find it."""

    share: float
    made: NativeResult | None


class FloorFitting:
    """Fits perturbations of one photo, and remembers the quality of each way to save it without one.

    Args:
        judge: measures the quality of the photo's files.
        saves: the ways to save it, in the order in which they are tried.
        radius: the largest change of a value.
    """

    def __init__(self, judge: Judge, saves: Sequence[Save], radius: float) -> None:
        self._judge = judge
        self._saves = tuple(saves)
        self._radius = radius
        self._floor = FLOORS[judge.policy.strength]
        height, width = judge.original.shape[:2]
        is_large = height * width > LARGE and min(height, width) >= SIDE
        self._windows = PhotoWindows(judge.original) if is_large else None
        self._without: dict[int, Quality | None] = {}

    def run(self, perturbation: Tensor) -> Generator[Progress, None, NativeResult]:
        """Fit a perturbation [1, 3, h, w]. Yields progress before each trial.

        The result's ``file`` is None if no way to save the photo keeps it above its floor.
        """
        whole = NativePerturbation(self._judge.original, perturbation, self._radius)
        windows = WindowedPhoto(self._windows, whole) if self._windows else None
        found: dict[int, _Found] = {}
        for number in range(len(self._saves)):
            yield self._progress(number)
            if (one := self._find(number, whole, windows)) is not None:
                found[number] = one
                if one.share >= GOOD_SHARE:
                    break
        for number in sorted(found, key=lambda one: -found[one].share):
            made = found[number].made or (yield from self._whole_file(number, whole, found[number].share))
            if made is not None:
                return made
        return NativeResult(whole.pixels(LEAST), whole, LEAST, None)

    def _progress(self, done: int) -> Progress:
        return Progress("quality", done, len(self._saves) + TRIALS)

    def _find(self, number: int, whole: NativePerturbation, windows: WindowedPhoto | None) -> "_Found | None":
        """Find the share of a perturbation that one way to save the photo allows; None if it allows none."""
        save, without = self._saves[number], self._quality_without(number)
        if without is None or not without.reaches(self._floor):
            return None
        best: NativeResult | None = None

        def measure(share: float) -> Quality | None:
            nonlocal best
            if windows is not None:
                return windows.quality(share, save, without)
            file = save(pixels := whole.pixels(share))
            if file is None:
                return None
            quality = self._judge.quality(file.pixels)
            if quality.reaches(self._floor) and (best is None or share > best.share):
                best = NativeResult(pixels, whole, share, file)
            return quality

        share = share_on_floor(measure, self._floor, without, most=LARGEST_SHARE)
        return None if share is None else _Found(share, best)

    def is_possible(self) -> bool:
        """Return whether any way to save the photo keeps the unchanged photo above its floor."""
        qualities = (self._quality_without(number) for number in range(len(self._saves)))
        return any(quality is not None and quality.reaches(self._floor) for quality in qualities)

    def _quality_without(self, number: int) -> Quality | None:
        """Return the quality after saving alone, or None if the file would be too large."""
        if number not in self._without:
            file = self._saves[number](self._judge.original)
            if file is None:
                self._without[number] = None
            elif self._windows is not None:
                self._without[number] = self._windows.quality(self._windows.of(file.pixels))
            else:
                self._without[number] = self._judge.quality(file.pixels)
        return self._without[number]

    def _whole_file(
        self, number: int, whole: NativePerturbation, share: float
    ) -> Generator[Progress, None, NativeResult | None]:
        """Save the photo with a share of the perturbation, which is reduced until the whole file reaches the floor."""
        without = self._without[number] or PERFECT
        for number_of_trial in range(TRIALS):
            yield self._progress(len(self._saves) + number_of_trial)
            file = self._saves[number](pixels := whole.pixels(share))
            if file is None:
                return None
            quality = self._judge.quality(file.pixels)
            if quality.reaches(self._floor):
                return NativeResult(pixels, whole, share, file)
            share = min(share, predicted(Trial(share, quality), self._floor, without)) * CAREFUL
        return None
