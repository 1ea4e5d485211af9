"""How `protect` shows what it does: bars in a terminal, lines in a log, nothing for programs."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from daemon.protocol import Progress as ProgressMessage
from daemon.protocol import Queued

UNSEEN = {"objects": "a detector", "search": "an image search", "scene": "a scene classifier"}
"""What may read a photo that nothing was tried on."""


class Showing:
    """For programs: silent until the end."""

    def began(self, path: Path) -> None:
        pass

    def moved(self, path: Path, event: Queued | ProgressMessage) -> None:
        pass

    def ended(self, path: Path, output: Path | None, report: dict[str, Any] | None, sentence: str | None) -> None:
        pass


class Lines(Showing):
    """A line for each new stage."""

    def __init__(self) -> None:
        self._stage: str | None = None

    def began(self, path: Path) -> None:
        self._stage = None

    def moved(self, path: Path, event: Queued | ProgressMessage) -> None:
        stage = "waiting" if isinstance(event, Queued) else event.stage
        if stage != self._stage:
            self._stage = stage
            print(f"{path.name}: {stage}", file=sys.stderr, flush=True)

    def ended(self, path: Path, output: Path | None, report: dict[str, Any] | None, sentence: str | None) -> None:
        print(summary(path, output, report, sentence), file=sys.stderr if sentence else sys.stdout, flush=True)


class Bars(Showing):
    """A bar for each photo."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[Path, TaskID] = {}

    def began(self, path: Path) -> None:
        self._tasks[path] = self._progress.add_task(path.name, total=None, stage="sending")

    def moved(self, path: Path, event: Queued | ProgressMessage) -> None:
        if isinstance(event, Queued):
            self._progress.update(self._tasks[path], stage=f"{event.position} before it")
        else:
            self._progress.update(self._tasks[path], stage=event.stage, completed=event.done, total=event.total)

    def ended(self, path: Path, output: Path | None, report: dict[str, Any] | None, sentence: str | None) -> None:
        task = self._tasks.pop(path, None)
        if task is not None:
            self._progress.remove_task(task)
        self._progress.console.print(
            summary(path, output, report, sentence), style="red" if sentence else None, markup=False, highlight=False
        )


def summary(path: Path, output: Path | None, report: dict[str, Any] | None, sentence: str | None) -> str:
    """One line on what became of a photo."""
    if sentence is not None or report is None:
        return f"{path}: {sentence}"
    quality = "identical" if report["psnr"] is None else f"{report['psnr']:.1f} dB"
    kept = "cloaked" if report["protected"] else "NOT protected, kept because you asked"
    if site := report.get("site"):
        kept += f" (as {site['channel']} keeps it: {'protected' if site['protected'] else 'NOT protected'})"
    for protector, estimate in report.get("unseen", {}).items():
        kept += f"; {UNSEEN[protector]} that nobody tried is fooled by {estimate['probability']:.0%} of photos like it"
        kept += f" ({estimate['low']:.0%} to {estimate['high']:.0%})"
    notes = "".join(f" {note}" for note in report.get("notes", ()))
    return f"{path} → {output}: {kept}, {quality}, {report['seconds']['total']:.1f} s.{notes}"


@contextmanager
def showing_for(args: argparse.Namespace) -> Iterator[Showing]:
    if args.json:
        yield Showing()
    elif sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[stage]}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            yield Bars(progress)
    else:
        yield Lines()
