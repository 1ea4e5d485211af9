"""How `protect -r` shows how far it is: a bar in a terminal, a line now and then in a log, nothing for programs."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from daemon.album.album import PhotoOutcome, sentence_of
from daemon.commands.console import echo
from daemon.wire.plain_text import shown

LINE_SECONDS: Final = 10.0
SPEED_SECONDS: Final = 600.0
"""The time left comes from the speed of the last ten minutes: a photo takes seconds, and some take many."""


class AlbumShowing:
    """The display for programs: silent until the end."""

    def ended(self, outcome: PhotoOutcome) -> None:
        pass


class Lines(AlbumShowing):
    """A line every ten seconds at most, and one for each photo that failed."""

    def __init__(self, todo: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._todo = todo
        self._done = 0
        self._clock = clock
        self._begun = self._said = clock()

    def ended(self, outcome: PhotoOutcome) -> None:
        self._done += 1
        if outcome.code is not None:
            echo(problem(outcome), file=sys.stderr)
        now = self._clock()
        if now - self._said >= LINE_SECONDS or self._done == self._todo:
            self._said = now
            left = (now - self._begun) / self._done * (self._todo - self._done)
            echo(f"{self._done} of {self._todo}, about {in_words(left)} left", file=sys.stderr)


class Bar(AlbumShowing):
    """One bar for the whole album."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def ended(self, outcome: PhotoOutcome) -> None:
        self._progress.advance(self._task)
        if outcome.code is not None:
            self._progress.console.print(problem(outcome), style="red", markup=False, highlight=False)


def problem(outcome: PhotoOutcome) -> str:
    return f"{shown(outcome.relative)}: {sentence_of(outcome.code or 'internal')}"


def in_words(seconds: float) -> str:
    """Roughly."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@contextmanager
def album_showing_for(args: argparse.Namespace, todo: int) -> Iterator[AlbumShowing]:
    if args.json:
        yield AlbumShowing()
    elif sys.stderr.isatty():
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), speed_estimate_period=SPEED_SECONDS) as progress:
            yield Bar(progress, progress.add_task("photos", total=todo))
    else:
        yield Lines(todo)
