"""Shows what `protect` does: bars in a terminal, lines in a log, nothing for programs."""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from daemon.commands.album_showing import SPEED_SECONDS, in_words
from daemon.commands.console import echo
from daemon.wire.plain_text import plain, shown
from daemon.wire.protocol import Progress as ProgressMessage
from daemon.wire.protocol import Queued
from protectors.judging.judgement import Judgement

UNSEEN = {"objects": "a detector", "search": "an image search", "scene": "a scene classifier"}
"""Networks that may read a photo and that nobody tried, by protector."""


class Showing:
    """Shows nothing: programs wait for the end."""

    def began(self, path: Path) -> None:
        pass

    def moved(self, path: Path, event: Queued | ProgressMessage) -> None:
        pass

    def ended(self, path: Path, output: Path | None, report: dict[str, Any] | None, sentence: str | None) -> None:
        pass


def share_of(event: ProgressMessage) -> float:
    """Return how far a photo is, of 1."""
    return min(1.0, event.done / event.total) if event.total else 0.0


class Lines(Showing):
    """A line for each new stage and, where there are several photos, one after each that says how many are left."""

    def __init__(self, photos: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._stage: str | None = None
        self._photos, self._done = photos, 0
        self._clock, self._begun = clock, clock()

    def began(self, path: Path) -> None:
        self._stage = None

    def moved(self, path: Path, event: Queued | ProgressMessage) -> None:
        stage = "waiting" if isinstance(event, Queued) else event.stage
        if stage != self._stage:
            self._stage = stage
            echo(f"{shown(path.name)}: {plain(stage)}", file=sys.stderr)

    def ended(self, path: Path, output: Path | None, report: dict[str, Any] | None, sentence: str | None) -> None:
        echo(summary(path, output, report, sentence), file=sys.stderr if sentence else sys.stdout)
        self._done += 1
        if self._done < self._photos:
            left = (self._clock() - self._begun) / self._done * (self._photos - self._done)
            echo(f"{self._done} of {self._photos}, about {in_words(left)} left", file=sys.stderr)


class Bars(Showing):
    """A bar for each photo and, where there are several, one for all of them; each with the time left."""

    def __init__(self, progress: Progress, photos: int) -> None:
        self._progress = progress
        self._tasks: dict[Path, TaskID] = {}
        self._all = progress.add_task(f"{photos} photos", total=photos, stage="") if photos > 1 else None

    def began(self, path: Path) -> None:
        self._tasks[path] = self._progress.add_task(shown(path.name), total=1.0, stage="sending")

    def moved(self, path: Path, event: Queued | ProgressMessage) -> None:
        task = self._tasks[path]
        if isinstance(event, Queued):
            self._progress.update(task, stage=f"{event.position} before it")
            return
        # Where a photo has to be gone through once more, the bar waits rather than going back.
        before = next(bar.completed for bar in self._progress.tasks if bar.id == task)
        self._progress.update(task, stage=plain(event.stage), completed=max(before, share_of(event)))

    def ended(self, path: Path, output: Path | None, report: dict[str, Any] | None, sentence: str | None) -> None:
        task = self._tasks.pop(path, None)
        if task is not None:
            self._progress.remove_task(task)
        if self._all is not None:
            self._progress.advance(self._all)
        self._progress.console.print(
            summary(path, output, report, sentence), style="red" if sentence else None, markup=False, highlight=False
        )


def summary(path: Path, output: Path | None, report: dict[str, Any] | None, sentence: str | None) -> str:
    """One line on what became of a photo."""
    if sentence is not None or report is None:
        return plain(f"{shown(path)}: {sentence}")
    judgement = Judgement.from_json(report)
    psnr = judgement.quality.psnr
    quality = "identical" if math.isinf(psnr) else f"{psnr:.1f} dB"
    kept = "cloaked" if judgement.protected else "NOT protected, kept because you asked"
    if site := judgement.site:
        kept += f" (as {site.channel} keeps it: {'protected' if site.protected else 'NOT protected'})"
    kept += _machines(judgement, str(report.get("models", "")))
    for protector, estimate in judgement.unseen.items():
        kept += f"; {UNSEEN[protector]} that nobody tried is fooled by {estimate.probability:.0%} of photos like it"
        kept += f" ({estimate.low:.0%} to {estimate.high:.0%})"
    notes = "".join(f" {note}" for note in report.get("notes", ()))
    return plain(f"{shown(path)} → {shown(output)}: {kept}, {quality}, {report['seconds']['total']:.1f} s.{notes}")


def _machines(judgement: Judgement, models: str) -> str:
    """How many of the networks that read anything in the photo still read it, and what; or that they are no real ones."""
    if models == "embedded":
        return "; tried on the embedded demonstration models only, real machines may still read it"
    # A detector of faces has nothing to lose in a photo without any.
    verdicts = [verdict for verdict in judgement.verdicts if verdict.before or not verdict.protected]
    machines = {verdict.adversary for verdict in verdicts}
    reading = [verdict for verdict in verdicts if not verdict.protected]
    misled = len(machines) - len({verdict.adversary for verdict in reading})
    if not machines:
        return ""
    told = f"; {misled} of {len(machines)} machines that were tried no longer read it"
    left = dict.fromkeys(name for verdict in reading for name in verdict.after if name in verdict.before)
    return told + (f", the others still read: {', '.join(left)}" if left else "")


@contextmanager
def showing_for(args: argparse.Namespace, photos: int) -> Iterator[Showing]:
    if args.json:
        yield Showing()
    elif sys.stderr.isatty():
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[stage]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=SPEED_SECONDS) as progress:
            yield Bars(progress, photos)
    else:
        yield Lines(photos)
