"""Uploads at random, with everything that may go wrong meanwhile, and how each of them ended.

python -m tests.end_to_end.random_uploads [--browser chromium|firefox] [--uploads N] [--seed N] [--minutes N] [--only N ...]
"""

import argparse
import asyncio
import itertools
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from daemon.figures import say
from tests.end_to_end.browser import Browser
from tests.end_to_end.random_plan import FAULTS, Upload, plan
from tests.end_to_end.results_file import keep, measured
from tests.end_to_end.uploader import HOSTS, Ended, Uploader, open_uploader

COMMAND = "python -m tests.end_to_end.random_uploads"

PER_BROWSER = 120
"""Uploads that one browser is started for: Firefox, driven for long, takes ever longer for each."""


async def run_all(uploader: Uploader, uploads: Iterable[Upload], heard: Callable[[Ended], None]) -> None:
    """Every upload, on several pages at once."""
    waiting = iter(uploads)

    async def lane(host: str) -> None:
        for upload in waiting:
            heard(await uploader.run(host, upload))

    async with asyncio.TaskGroup() as group:
        for host in HOSTS:
            group.create_task(lane(host))


def figures_of(ended: Iterable[Ended], faults: Counter[str], clumsy: int) -> dict[str, float]:
    """Return the published figures."""
    endings = [ending for one in ended for ending in (one.ending, one.plain) if ending]
    names = Counter(one.ending.name for one in ended)
    kills = sum(faults[fault] for fault in ("daemon killed", "worker killed", "background killed"))
    return {
        "random.uploads": sum(names.values()),
        "random.originals": sum(ending.original for ending in endings),
        "random.stuck": sum(ending.name == "stuck" for ending in endings),
        **{f"random.{name}": names[name] for name in ("done", "asked", "cancelled")},
        # Arrived as it should, from a background that was ended before it had recorded that.
        "random.unrecorded": sum(not one.is_stated for one in ended),
        "random.kills": kills,
        **{f"random.faults.{fault.replace(' ', '_')}": faults[fault] for fault in FAULTS},
        "random.questions": sum(len(one.asked) for one in ended),
        "random.plain": sum(one.plain is not None for one in ended),
        "random.plain_done": sum(one.plain is not None and one.plain.name == "done" for one in ended),
        "random.clumsy": clumsy,
    }


def in_time(uploads: Iterable[Upload], seconds: float) -> Iterator[Upload]:
    """Yield the uploads that begin within so many seconds of the first."""
    begun: float | None = None
    for upload in uploads:
        begun = begun or time.monotonic()
        if time.monotonic() > begun + seconds:
            return
        yield upload


async def measure(
    browser: str, uploads: Iterable[Upload], browsers: int, publish: Callable[[Browser, dict[str, float]], None]
) -> bool:
    """Run those uploads, in some browsers at once, and publish their figures; whether all is well.

    What went badly is told, with what repeats it.
    """
    ended: list[Ended] = []
    begun = time.monotonic()

    def heard(one: Ended) -> None:
        ended.append(one)
        for what, ending in (("upload", one.ending), ("plain upload after", one.plain)):
            if ending and (ending.name == "stuck" or (ending is one.plain and ending.name != "done")):
                say(f"BAD {what} {one.upload.number}: {ending}\n  {one.upload}\n  asked: {one.asked}")
        if len(ended) % 50 == 0:
            counts = Counter(one.ending.name for one in ended)
            say(f"{browser}: {len(ended)} uploads in {time.monotonic() - begun:.0f} s: {dict(counts)}")

    waiting = iter(uploads)
    faults: Counter[str] = Counter()
    clumsy: list[int] = []
    left_running: list[int] = []
    used: list[Browser] = []

    async def one_after_the_other() -> None:
        while (first := next(waiting, None)) is not None:
            async with open_uploader(browser) as uploader:
                used.append(uploader.browser)
                await run_all(uploader, itertools.chain([first], itertools.islice(waiting, PER_BROWSER - 1)), heard)
                faults.update(uploader.mishaps.counts)
                clumsy.append(uploader.clumsy)
                left_running.append(await uploader.left_running())

    await asyncio.gather(*(one_after_the_other() for _ in range(browsers)))
    figures = {**figures_of(ended, faults, sum(clumsy)), "random.left_running": sum(left_running)}
    publish(used[0], figures)
    for why, count in Counter(why for one in ended for why in one.asked).most_common():
        say(f"asked {count} times: {why}")
    return not figures["random.originals"] and not figures["random.stuck"] and not figures["random.left_running"]


def main() -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--browser", choices=["chromium", "firefox"], action="append", help="only this one")
    parser.add_argument("--uploads", type=int, default=1000, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="which (%(default)s)")
    parser.add_argument("--only", type=int, action="append", metavar="N", help="only the upload of that number; writes nothing")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--browsers", type=int, default=1, help="how many of a browser at once (%(default)s)")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin none after so long (%(default)s)")
    options = parser.parse_args()
    well = True

    def publish(browser: Browser, figures: dict[str, float]) -> None:
        command = f"{COMMAND} --browser {browser.name} --uploads {options.uploads} --seed {options.seed}"
        command += f" --minutes {options.minutes:g}" if options.minutes < math.inf else ""
        if not options.only:
            keep(browser, "random", figures, command, options.seed)
        if options.json:
            print(json.dumps(measured(browser, figures, command, options.seed)))
        else:
            print("\n".join(f"{browser.name} {key}: {value:g}" for key, value in figures.items()))

    for name in options.browser or ["chromium", "firefox"]:
        uploads = plan(name, options.uploads, options.seed)
        chosen = [upload for upload in uploads if not options.only or upload.number in options.only]
        well = asyncio.run(measure(name, in_time(chosen, options.minutes * 60), options.browsers, publish)) and well
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
