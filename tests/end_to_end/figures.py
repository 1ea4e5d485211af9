"""Runs every path, widget, hostile page, case and page of ours in one browser or both, and writes what came of it to results/.

python -m tests.end_to_end.figures [--browser chromium|firefox] [--part PART] [--runs N] [--json]
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path as FilePath
from xml.etree import ElementTree

from daemon.figures import say
from protectors.names import DEFAULT
from tests.end_to_end.accessibility import everything_wrong
from tests.end_to_end.apis import compare
from tests.end_to_end.browser import EXTENSION
from tests.end_to_end.daemon_process import DaemonProcess
from tests.end_to_end.hostile import cases_in, run
from tests.end_to_end.lastline import measure_last_line, without_hold
from tests.end_to_end.paths import PATHS, Path
from tests.end_to_end.photos import jpeg, twelve_megapixels
from tests.end_to_end.picks import measure_picks, send_the_best_attempt
from tests.end_to_end.results_file import RESULTS, keep
from tests.end_to_end.site import HOST
from tests.end_to_end.stage import QUICKEST, Stage, choose_protectors, last_reports, open_stage
from tests.end_to_end.stamping_daemon import StampingDaemon
from tests.end_to_end.upload_widgets import faults, widgets_in
from tests.end_to_end.verdict import arrived_original, problems
from tests.installed import ROOT

COMMAND = "python -m tests.end_to_end.figures"
LARGE = Path("attached", ("large",))
LARGE_SECONDS = 900.0


async def measure_paths(stage: Stage, runs: int) -> dict[str, float]:
    """`stuck` counts uploads that never came, `faults` those that were not as they should be."""
    name = stage.browser.name
    figures: dict[str, float] = {
        "paths": len(PATHS),
        "runs": 0,
        "originals": 0,
        "stuck": 0,
        "faults": 0,
        "controls": 0,
        "controls_seen": 0,
    }
    seconds = []
    for path in PATHS:
        uploads = [stage.uploads[file] for file in path.files]
        figures["controls"] += 1
        with contextlib.suppress(TimeoutError):
            run = await stage.upload(path, protected=False, seconds=20)
            figures["controls_seen"] += arrived_original(run, uploads)
        for _ in range(runs):
            figures["runs"] += 1
            begun = time.monotonic()
            try:
                run = await stage.upload(path)
            except TimeoutError:
                figures["stuck"] += 1
                continue
            seconds.append(time.monotonic() - begun)
            figures["originals"] += arrived_original(run, uploads)
            figures["faults"] += bool(problems(path, run, uploads))
        say(f"{name}: {path.name} done")
    figures["upload.median_ms"] = sorted(seconds)[len(seconds) // 2] * 1000
    if name == "chromium":
        figures.update(await photo12mp(stage))
    # Firefox's test hook for drops fills no file input, so that one control sees nothing.
    blind = figures["controls"] - figures["controls_seen"] - (name == "firefox")
    bad = any((figures["originals"], figures["stuck"], figures["faults"], figures.get("photo12mp.originals"), blind > 0))
    return {**figures, "bad": bad}


async def measure_axe(stage: Stage, _: int) -> dict[str, float]:
    """Return axe's violations on all pages together."""
    wrong = await everything_wrong(stage)
    for page, found in wrong.items():
        say(f"{page}: {found}")
    return {"axe.violations": sum(len(found) for found in wrong.values()), "bad": bool(wrong)}


async def measure_widgets(stage: Stage, _: int) -> dict[str, float]:
    """`widgets` and those whose every way in works; `ways` counts pick, drop and paste of each."""
    passed: dict[str, list[bool]] = {}
    for widget in widgets_in(stage.browser.name):
        try:
            found = await faults(stage, widget)
        except TimeoutError:
            found = ["nothing came"]
        say(f"{stage.browser.name}: {widget}: {found or 'passed'}")
        passed.setdefault(widget.name, []).append(not found)
    ways = [way for each in passed.values() for way in each]
    return {
        "widgets": len(passed),
        "widgets_passed": sum(all(each) for each in passed.values()),
        "widgets.ways": len(ways),
        "widgets.ways_passed": sum(ways),
        "bad": not all(ways),
    }


async def measure_hostile(stage: Stage, _: int) -> dict[str, float]:
    """The cases in which a page got nowhere, of those that this browser knows; and those that are open, with what the last line
    caught of them."""
    name = stage.browser.name
    passed: list[bool] = []
    caught: list[bool] = []
    for case in cases_in(name):
        is_open = name in case.open_in
        try:
            withstood = await run(stage, case)
        except TimeoutError:
            withstood = False
        (caught if is_open else passed).append(withstood)
        said = ("open, caught" if withstood else "open") if is_open else ("passed" if withstood else "FAILED")
        say(f"{name}: {case}: {said}")
    return {
        "hostile.cases": len(passed) + len(caught),
        "hostile.passed": sum(passed),
        "hostile.open": len(caught),
        "hostile.open_caught": sum(caught),
        "bad": not all(passed) or (name == "firefox" and not all(caught)),
    }


async def measure_apis(stage: Stage, _: int) -> dict[str, float]:
    """The built-ins that are replaced, and those of them that a page cannot tell from the browser's own by calling them."""
    compared = await compare(stage)
    for name, (without, within) in compared.differing.items():
        say(f"{stage.browser.name}: {name}: {without} without, {within} with")
    different = {*compared.untried, *(name for name in compared.differing if name in compared.wrapped)}
    same = len(compared.wrapped) - len(different)
    return {"apis.wrapped": len(compared.wrapped), "apis.same": same, "bad": bool(different) or bool(compared.differing)}


CASE_FILES = ("test_cases.py", "test_paste_script.py")


async def measure_cases(stage: Stage, _: int) -> dict[str, float]:
    """The cases from public bug reports, and clipboards that try to run script: as the tests of the same names run them."""
    with tempfile.TemporaryDirectory() as folder:
        report = FilePath(folder) / "report.xml"
        files = [str(FilePath(__file__).with_name(name)) for name in CASE_FILES]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pytest", "-n", "0", "-k", stage.browser.name, f"--junitxml={report}", *files,
            stdout=sys.stderr, cwd=ROOT,
        )  # fmt: skip
        await process.wait()
        suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None
    cases = int(suite.get("tests", 0)) - int(suite.get("skipped", 0))
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    return {"cases": cases, "cases_passed": cases - failed, "bad": failed > 0}


PARTS: dict[str, Callable[[Stage, int], Awaitable[dict[str, float]]]] = {
    "paths": measure_paths,
    "axe": measure_axe,
    "widgets": measure_widgets,
    "hostile": measure_hostile,
    "apis": measure_apis,
    "cases": measure_cases,
    "lastline": measure_last_line,
    "picks": measure_picks,
}
"""Each measures its own keys, and says whether they are bad."""

STAMPED = ("hostile", "apis", "cases")
"""Parts that do not depend on what is done to a photo, and are quicker with a daemon that stamps it."""


UNHELD = ("lastline",)
"""Parts that are measured with a build of the extension that holds nothing."""


async def photo12mp(stage: Stage) -> dict[str, float]:
    """A 12-megapixel JPEG by the quickest path: milliseconds by stage, and bytes of memory.

    The browser's own share is what is left of the time from the pick to the arrival.
    """
    folder = next(iter(stage.uploads.values())).path.parent
    await choose_protectors(stage.browser, HOST, DEFAULT)
    stage.uploads["large"] = jpeg(twelve_megapixels(), folder / "large.jpg", quality=90)
    begun = time.monotonic()
    reports = asyncio.create_task(_watch(stage.daemon))
    held = asyncio.create_task(send_the_best_attempt(stage, LARGE_SECONDS))
    run = await stage.upload(LARGE, seconds=LARGE_SECONDS)
    total = time.monotonic() - begun
    for task in (reports, held):
        task.cancel()
    await asyncio.gather(reports, held, return_exceptions=True)
    # What is measured next is not about the protectors.
    await choose_protectors(stage.browser, HOST, QUICKEST)
    figures = {
        "photo12mp.total_ms": total * 1000,
        "photo12mp.originals": float(arrived_original(run, [stage.uploads["large"]])),
    }
    report = (await last_reports(stage.browser))[0]
    seconds = report["seconds"]
    figures["photo12mp.protected"] = float(report["protected"])
    for name in ("decode", "protect", "encode", "judge"):
        figures[f"photo12mp.{name}_ms"] = seconds[name] * 1000
    figures["photo12mp.browser_ms"] = (total - seconds["total"]) * 1000
    async with stage.daemon.client() as client:
        state = await client.status()
    figures["photo12mp.front_rss"] = float(state.front_rss)
    figures["photo12mp.worker_rss"] = float(state.worker_rss)
    return figures


async def _watch(daemon: DaemonProcess) -> None:
    """Say that it is still at work: a large photo takes a while on a small machine."""
    async with daemon.client() as client:
        while True:
            await asyncio.sleep(15)
            state = await client.status()
            say(f"the daemon works on {state.running}, {state.worker_rss / 1e6:.0f} MB")


async def measure(name: str, parts: Sequence[str], runs: int) -> bool:
    """Measure the parts in one browser and write them; whether any is bad."""
    bad = False
    with tempfile.TemporaryDirectory() as folder:
        stages = (
            ([part for part in parts if part not in STAMPED + UNHELD], DaemonProcess, EXTENSION),
            ([part for part in parts if part in STAMPED], StampingDaemon, EXTENSION),
            ([part for part in parts if part in UNHELD], StampingDaemon, without_hold(FilePath(folder))),
        )
        for chosen, daemon_type, extension in stages:
            if not chosen:
                continue
            async with open_stage(name, daemon_type=daemon_type, extension=extension) as stage:
                for part in chosen:
                    figures = await PARTS[part](stage, runs)
                    bad = bool(figures.pop("bad")) or bad
                    # Paths, pages and widgets run in a fixed order on fixed photos; the cloak draws its own targets.
                    keep(stage.browser, part, figures, f"{COMMAND} --browser {name} --part {part} --runs {runs}", None)
                    sys.stdout.write("".join(f"{name} {key}: {value:g}\n" for key, value in figures.items()))
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--browser", choices=["chromium", "firefox"], action="append", help="only this one")
    parser.add_argument("--part", choices=list(PARTS), action="append", help="only this one; the others' figures stay")
    parser.add_argument("--runs", type=int, default=3, help="runs of each path (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the files' contents as well")
    options = parser.parse_args()
    bad = False
    for name in options.browser or ["chromium", "firefox"]:
        bad = asyncio.run(measure(name, options.part or list(PARTS), options.runs)) or bad
        if options.json:
            sys.stdout.write((RESULTS / f"{name}.json").read_text())
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
