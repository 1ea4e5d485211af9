"""Runs every path with a daemon that takes 0, 0.3 and 2 s a photo, and writes what arrived to results/matrix.md.

Before that each path is run on a site that is off, where the original has to arrive: else the test could not see a leak.

python -m tests.end_to_end.matrix [--browser chromium|firefox] [--path NAME]
"""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path as FilePath

from daemon.figures import say
from tests.end_to_end.paths import Path, paths_in, tells_without
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.stamping_daemon import StampingDaemon, is_stamped
from tests.end_to_end.verdict import arrived_original

RESULTS = FilePath(__file__).parent / "results"
DELAYS = (0.0, 0.3, 2.0)
SECONDS = 20.0


@dataclass(frozen=True)
class Row:
    """The results of one path in one browser.

    `control` is None where a control tells nothing. `outcomes` has, for each delay, "cloaked", "ORIGINAL", "nothing" when no
    file came in time, or "UNSTAMPED" when a file came that is neither the original nor what the daemon made of it.
    """

    path: str
    browser: str
    version: str
    control: bool | None
    outcomes: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        return self.control is not False and set(self.outcomes) == {"cloaked"}


async def row(stage: Stage, daemon: StampingDaemon, path: Path) -> Row:
    """Run one path: without the extension, then at every delay."""
    control = await outcome(stage, path, protected=False) == "ORIGINAL" if tells_without(stage.browser.name, path) else None
    outcomes = []
    for delay in DELAYS:
        daemon.set_delay(delay)
        outcomes.append(await outcome(stage, path, protected=True))
    return Row(path.name, stage.browser.name, stage.browser.version, control, tuple(outcomes))


async def outcome(stage: Stage, path: Path, *, protected: bool) -> str:
    """Return one upload's result in a word of Row's."""
    uploads = [stage.uploads[name] for name in path.files]
    page, run = await stage.visit(path, protected=protected)
    try:
        await stage.act(path, page)
        await stage.site.wait(run, len(path.files), SECONDS)
        # What a page might send besides would come now.
        await asyncio.sleep(0.2)
    except TimeoutError:
        return "ORIGINAL" if arrived_original(stage.site.runs[run], uploads) else "nothing"
    finally:
        await page.close()
    arrived = stage.site.runs[run]
    if arrived_original(arrived, uploads):
        return "ORIGINAL"
    photos = [part for upload, part in zip(uploads, arrived.parts, strict=False) if upload.is_photo]
    return "cloaked" if all(is_stamped(part.data) for part in photos) else "UNSTAMPED"


async def measure(browser: str, only: str | None) -> list[Row]:
    """Every path of a browser, or the one of that name."""
    rows = []
    async with open_stage(browser, daemon_type=StampingDaemon) as stage:
        daemon = stage.daemon
        assert isinstance(daemon, StampingDaemon)
        for path in paths_in(browser):
            if only in (None, path.name):
                rows.append(await row(stage, daemon, path))
                say(json.dumps(asdict(rows[-1])))
    return rows


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "# Every path, in both browsers, at every delay of the daemon",
        "",
        f"Written by `python -m tests.end_to_end.matrix`. {sum(row.is_good for row in rows)} of {len(rows)} rows are as they "
        "should be. *Control*: without the extension the test saw the original. Then, at each delay of the daemon, how many "
        "originals arrived, and what arrived instead.",
        "",
        "| path | browser | control saw the original |" + "".join(f" originals at {delay:g} s |" for delay in DELAYS),
        "|---|---|---|" + "---|" * len(DELAYS),
    ]
    for row in rows:
        control = "not to be had" if row.control is None else "yes" if row.control else "NO"
        cells = "".join(f" {int(outcome == 'ORIGINAL')} ({outcome}) |" for outcome in row.outcomes)
        lines.append(f"| {row.path} | {row.browser} {row.version.split('.')[0]} | {control} |{cells}")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.end_to_end.matrix", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--browser", choices=["chromium", "firefox"], help="only this one; the table is printed, not written")
    parser.add_argument("--path", metavar="NAME", help="only this one; the table is printed, not written")
    options = parser.parse_args()
    rows = []
    for browser in [options.browser] if options.browser else ["chromium", "firefox"]:
        rows += asyncio.run(measure(browser, options.path))
    if options.browser or options.path:
        sys.stdout.write(table(rows))
    else:
        (RESULTS / "matrix.md").write_text(table(rows), encoding="utf-8")
    return 0 if all(row.is_good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
