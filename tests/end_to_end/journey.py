"""A person's whole way: a fresh clone is installed in a home of its own, both browsers are paired, a photo is posted on every
host of the table, a new version is pulled, the photos are posted again, and all of it is taken away.

python -m tests.end_to_end.journey [--browser NAME] [--libraries-of-the-tests] [--hosts N] [--json]

The daemon is started by hand: where these tests run there is no session with a service manager. That the service starts is
shown by tests/daemon/service/test_systemd.py.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from daemon.figures import say
from tests.end_to_end.browser import Browser
from tests.end_to_end.daemon_process import DaemonProcess
from tests.end_to_end.newcomer import Newcomer, git
from tests.end_to_end.paths import Path
from tests.end_to_end.photos import Upload, cat, jpeg
from tests.end_to_end.results_file import keep
from tests.end_to_end.site import Site
from tests.end_to_end.stage import Stage, new_browser, pair, switch_on_table, tell
from tests.end_to_end.test_hosts import HOSTS
from tests.end_to_end.verdict import arrived_original, problems
from tests.installed import ROOT

COMMAND = "python -m tests.end_to_end.journey"
ATTACHED = Path("attached")
PHOTO_SECONDS = 120.0
QUICK_RULE = {"protectors": ["scene"]}
"""The rule that photos are cloaked with: reaching a host does not depend on the protectors."""


class InstalledDaemon(DaemonProcess):
    """The command that the installer put on the person's path."""

    def __init__(self, person: Newcomer) -> None:
        self._person = person
        super().__init__(person.state, person.port)

    def command(self) -> list[str]:
        return [str(self._person.program), "serve", "--json"]

    def place(self) -> tuple[FilePath, Mapping[str, str]]:
        return self._person.home, self._person.environment()


@dataclass
class Posted:
    """The uploads of a photo on each host of one browser."""

    cloaked: int = 0
    originals: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@contextlib.asynccontextmanager
async def at_home(name: str, person: Newcomer, daemon: DaemonProcess, photo: Upload) -> AsyncIterator[Stage]:
    """A browser with the clone's extension, paired with the person's daemon, and on for every site."""
    async with (
        Site(HOSTS) as site,
        new_browser(name, extension=person.clone / "extension", hosts=HOSTS) as browser,
    ):
        await daemon.ready()
        await pair(browser, daemon)
        await switch_on_table(browser)
        await tell(browser, {"type": "set-default", "rule": QUICK_RULE})
        yield Stage(browser, daemon, site, {"jpeg": photo})


async def post_everywhere(stage: Stage, hosts: Sequence[str]) -> Posted:
    posted, tab = Posted(), None
    for host in hosts:
        tab, run = await stage.visit(ATTACHED, host=host, tab=tab)
        begun = time.monotonic()
        await stage.act(ATTACHED, tab)
        received = await stage.site.wait(run, 1, PHOTO_SECONDS)
        posted.seconds.append(time.monotonic() - begun)
        posted.originals += arrived_original(received, [stage.uploads["jpeg"]])
        found = problems(ATTACHED, received, [stage.uploads["jpeg"]])
        posted.cloaked += not found
        posted.wrong += [f"{host}: {problem}" for problem in found]
    return posted


async def travel(
    browsers: Sequence[str], hosts: Sequence[str], share_libraries: bool, *, record: bool
) -> dict[str, dict[str, float]]:
    """The whole way; the figures of each browser."""
    folder = FilePath(tempfile.mkdtemp(prefix="cloakroom-journey-"))
    try:
        return await _travel(folder, browsers, hosts, share_libraries, record)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _travel(
    folder: FilePath, browsers: Sequence[str], hosts: Sequence[str], share_libraries: bool, record: bool
) -> dict[str, dict[str, float]]:
    person, photo = Newcomer(folder, share_libraries), jpeg(cat(240), folder / "me at home.jpg")
    git("clone", "--quiet", "--bare", str(ROOT), str(person.upstream))
    git("clone", "--quiet", str(person.upstream), str(person.clone))
    figures: dict[str, dict[str, float]] = {name: {} for name in browsers}
    seen: dict[str, Browser] = {}
    begun = time.monotonic()
    await person.install()
    installed = time.monotonic() - begun
    say(f"installed in {installed:.0f} s")
    async with InstalledDaemon(person) as daemon:
        for name in browsers:
            await _post(name, person, daemon, hosts, photo, "", figures[name])
        person.publish()
        await person.run("git", "pull", "--quiet")
        begun = time.monotonic()
        said = await person.install("--restart")
        upgraded = time.monotonic() - begun
        version = json.loads(await person.run(person.program, "status", "--json"))["version"]
        if version != "0.1.1":
            raise RuntimeError(f"after the upgrade the daemon that runs is of version {version}: {said}")
        say(f"upgraded in {upgraded:.0f} s; the daemon that runs is of version {version}")
        for name in browsers:
            seen[name] = await _post(name, person, daemon, hosts, photo, "upgraded.", figures[name])
        begun = time.monotonic()
        # With the daemon running: it is ended first.
        await person.install("uninstall")
        removed = time.monotonic() - begun
        left = person.left_over()
        say(f"taken away in {removed:.0f} s; left: {left or 'nothing'}")
    for name, figure in figures.items():
        figure |= {
            "journey.install_s": installed,
            "journey.upgrade_s": upgraded,
            "journey.uninstall_s": removed,
            "journey.left": len(left),
        }
        if record:
            keep(seen[name], "journey", figure, COMMAND, None)
    return figures


async def _post(
    name: str, person: Newcomer, daemon: DaemonProcess, hosts: Sequence[str], photo: Upload, stem: str,
    figures: dict[str, float],
) -> Browser:  # fmt: skip
    """Post a photo on each host, and note what came of it; the browser tells its name and version afterwards too."""
    async with at_home(name, person, daemon, photo) as stage:
        posted = await post_everywhere(stage, hosts)
        for problem in posted.wrong:
            say(f"{name}: {problem}")
        figures |= {
            f"{stem}hosts": float(len(hosts)),
            f"{stem}hosts.cloaked": float(posted.cloaked),
            f"{stem}hosts.originals": float(posted.originals),
            f"{stem}hosts.median_ms": 1000 * statistics.median(posted.seconds),
        }
        say(f"{name}: {stem or 'installed.'} {posted.cloaked} of {len(hosts)} cloaked, originals {posted.originals}")
        return stage.browser


def main() -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--browser", choices=["chromium", "firefox"], action="append", help="only this one")
    parser.add_argument("--hosts", type=int, help="only so many of the table's hosts; nothing is written then")
    parser.add_argument("--libraries-of-the-tests", action="store_true", help="install Cloakroom alone, for a quick look")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    hosts = HOSTS[: options.hosts] if options.hosts else HOSTS
    browsers = options.browser or ["chromium", "firefox"]
    whole = not options.hosts and not options.libraries_of_the_tests
    figures = asyncio.run(travel(browsers, hosts, options.libraries_of_the_tests, record=whole))
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    good = all(
        figure["hosts"] == figure["hosts.cloaked"] == figure["upgraded.hosts.cloaked"] and figure["journey.left"] == 0
        for figure in figures.values()
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
