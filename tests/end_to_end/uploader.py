"""Uploads one after the other and several at once, each until it has ended."""

import asyncio
import contextlib
import dataclasses
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterable

from playwright.async_api import Error as PlaywrightError

from daemon.figures import say
from tests.end_to_end import photos
from tests.end_to_end.bidi import BiDiError
from tests.end_to_end.browser import Page
from tests.end_to_end.mishaps import Mishaps
from tests.end_to_end.paths import PATHS, Path
from tests.end_to_end.person import Mind, Person
from tests.end_to_end.random_plan import OWN_HOLDS, Upload, takes_another
from tests.end_to_end.random_verdict import SENT, Ending, File, judge
from tests.end_to_end.received import Run
from tests.end_to_end.stage import Stage, open_stage, tell
from tests.end_to_end.stamping_daemon import StampingDaemon, is_stamped

HOSTS = ("bsky.app", "www.instagram.com", "www.facebook.com", "x.com", "www.reddit.com", "discord.com")
"""A site for each page that is open at once: its host tells the person whose question it is, and whose outcome is recorded."""

SECONDS = 120.0
"""An upload that has not ended by then is stuck."""

QUIET_SECONDS = 0.3
UNSTATED_SECONDS = 5.0
"""A background that was ended just then let the files go, and recorded nothing."""

TRIES = 3
CLUMSY = (PlaywrightError, BiDiError, TimeoutError)
PLAIN = "plain"
"""Never picked before: browsers tell a page nothing of a file that is picked again and was let go as it is."""


class Record:
    """The extension's own record of each site's uploads."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._seen: set[tuple[int, str, str]] = set()

    async def watch(self) -> None:
        while True:
            # Its page is closed by nobody; the storage may be between two backgrounds.
            with contextlib.suppress(*CLUMSY):
                told = await self._page.evaluate(
                    "chrome.storage.local.get('history').then(({ history }) => JSON.stringify("
                    "(history?.entries ?? []).slice(0, 40).map(({ when, host, outcome }) => [when, host, outcome])))"
                )
                self._seen |= {(int(when), str(host), str(outcome)) for when, host, outcome in json.loads(told)}
            await asyncio.sleep(0.15)

    def since(self, host: str, begun: float) -> list[str]:
        """The outcomes of a site's uploads after a moment, in order."""
        return [outcome for when, where, outcome in sorted(self._seen) if where == host and when >= begun * 1000]


@dataclasses.dataclass(frozen=True)
class Ended:
    """One upload, how it ended, how the plain one after it did, and whether the extension recorded what there was to record."""

    upload: Upload
    ending: Ending
    plain: Ending | None
    asked: tuple[str, ...]
    is_stated: bool


@dataclasses.dataclass(frozen=True)
class End:
    """The signs that an upload is over: files that arrived, and outcomes recorded since it began.

    Nothing is recorded of an upload without any picture. Where a `name` is given, the file of that name is waited for.
    """

    begun: float
    parts: int
    is_picture: bool = True
    statements: int = 1
    name: str = ""


class Uploader:
    """Runs uploads on a stage, one a host at a time."""

    def __init__(self, stage: Stage, person: Person, record: Record, console: Page) -> None:
        assert isinstance(stage.daemon, StampingDaemon)
        self._stage = stage
        self._daemon = stage.daemon
        self._person = person
        self._record = record
        self._hands = person.hands
        self.mishaps = Mishaps(stage, console, self._hands)
        self._tabs: dict[str, Page] = {}
        self.clumsy = 0
        self.browser = stage.browser

    async def run(self, host: str, upload: Upload) -> Ended:
        """One upload of a site, and the plain one after it if it asks for one."""
        mind = self._person.minds[host] = Mind(iter(upload.words), upload.thinks)
        self._daemon.set_delay(upload.delay)
        page, run, begun = await self._pick(host, upload)
        received = self._stage.site.runs[run]
        picks = [self._files(upload.path)]
        end = End(begun, arrivals(picks[0]), any(file.is_picture for file in picks[0]))
        is_both = upload.path.name in OWN_HOLDS
        if upload.fault:
            await asyncio.sleep(upload.after)
            await self.mishaps.happen(upload, page, host)
            if upload.fault == "picked again":
                path = dataclasses.replace(upload.path, files=(upload.then,))
                picks.append(self._files(path))
                async with self._hands:
                    name = picks[1][0].upload.name
                    end = End(begun, 2, statements=2) if is_both else End(time.time(), 1, name=name)
                    await self._act(path, page)
        is_gone = upload.fault in ("tab closed", "navigated")
        if not is_gone:
            await self._settle(host, received, end)
        # What comes besides would come now.
        await asyncio.sleep(QUIET_SECONDS * (3 if is_gone else 1))
        first: Ending | None = None
        earlier = self._record.since(host, begun)[: -len(self._record.since(host, end.begun)) or None]
        names = [part.name for part in received.parts]
        if end.name and picks[0][0].upload.name in names[:1] and any(outcome in SENT for outcome in earlier):
            # Busy hands: the first was over before the second was picked, which is an upload by itself then.
            before = Run(received.bodies[:1], received.parts[:1])
            first = await asyncio.to_thread(judge, picks[:1], before, earlier, mind.allowed, is_stamped)
            picks, received = picks[1:], Run(received.bodies[1:], received.parts[1:])
        ending = await asyncio.to_thread(
            judge, picks, received, self._record.since(host, end.begun), mind.allowed, is_stamped,
            is_gone=is_gone, is_replaced=not is_both,
        )  # fmt: skip
        if first and first.name == "stuck":
            ending = first
        if not await self._is_quiet(host):
            ending = Ending("stuck", ending.original, "the hold window still asks")
        is_stated = is_gone or not end.is_picture or bool(self._record.since(host, end.begun))
        if upload.fault != "tab closed":
            self._tabs[host] = page
        plain = await self._plain(host, upload, page, run) if upload.plain else None
        return Ended(upload, ending, plain, tuple(mind.asked), is_stated)

    async def left_running(self) -> int:
        """Photos that the daemon still works on after everything has ended: of pages that are gone, it should have let go."""
        async with asyncio.timeout(SECONDS), self._daemon.client() as client:
            state = await client.status()
            for _ in range(50):
                if state.queued + state.running == 0:
                    break
                await asyncio.sleep(0.1)
                state = await client.status()
        return state.queued + state.running

    def _anew(self, run: str) -> Run:
        """Return a run for what arrives from now on."""
        received = self._stage.site.runs[run] = Run()
        return received

    def _files(self, path: Path) -> list[File]:
        return [File(kind, self._stage.uploads[kind]) for kind in path.files]

    # What the person does.

    async def _pick(self, host: str, upload: Upload) -> tuple[Page, str, float]:
        """A page with the upload under way, its run, and when that began."""
        for attempt in itertools.count(1):
            async with self._hands:
                page, run = await self._open(host, upload)
                begun = time.time()
                try:
                    await self._act(upload.path, page)
                except CLUMSY as problem:
                    # The automation's own: another window was in front, or a folder's chooser does not wait for a hold.
                    if attempt < TRIES and not upload.path.is_folder:
                        self.clumsy += 1
                        say(f"upload {upload.number} ({upload.path.name}) again: {str(problem)[:200]}")
                        await page.close()
                        continue
                return page, run, begun
        raise AssertionError

    async def _open(self, host: str, upload: Upload) -> tuple[Page, str]:
        """The upload's page, in the tab of the site's last one."""
        tab = self._tabs.pop(host, None)
        for _ in range(TRIES - 1):
            try:
                return await self._stage.visit(upload.path, host=host, tab=tab)
            except CLUMSY as problem:
                # A driver gives up where the page is just going elsewhere by itself, as forms do.
                self.clumsy += 1
                say(f"the page of upload {upload.number} again: {str(problem)[:200]}")
            if tab:
                await tab.close()
                tab = None
        return await self._stage.visit(upload.path, host=host)

    async def _act(self, path: Path, page: Page) -> None:
        await page.activate()
        if path.action != "paste":
            await self._stage.act(path, page)
            return
        await page.evaluate(
            "void addEventListener('keydown', ({ key, ctrlKey }) => {"
            " if (ctrlKey && key.toLowerCase() === 'v') window.pressed = true; }, true)"
        )
        await self._stage.act(path, page)
        if not await page.evaluate("window.pressed"):
            raise TimeoutError("the keys went to another window")

    # How it ends.

    async def _settle(self, host: str, run: Run, end: End) -> None:
        """Return once the upload seems over, or never will be."""
        give_up = time.monotonic() + SECONDS
        arrived = None
        while time.monotonic() < give_up:
            stated = self._record.since(host, end.begun)
            is_stated = len(stated) >= end.statements
            sent = sum(outcome in SENT for outcome in stated)
            is_whole = bool(run.bodies) and len(run.parts) >= (end.parts if sent == len(stated) else sent)
            is_whole = is_whole and (not end.name or end.name in [part.name for part in run.parts])
            arrived = (arrived or time.monotonic()) if is_whole else None
            is_late = arrived is not None and time.monotonic() > arrived + UNSTATED_SECONDS
            if (is_whole and (is_stated or is_late or not end.is_picture)) or (is_stated and sent == 0):
                return
            await asyncio.sleep(0.05)

    async def _is_quiet(self, host: str) -> bool:
        """Whether nothing of the site waits for the person any more."""
        for _ in range(100):
            if host not in self._person.open:
                return True
            await asyncio.sleep(0.1)
        return False

    async def _plain(self, host: str, upload: Upload, page: Page, run: str) -> Ending:
        """An upload without a fault, where the one before was: on the same page if it takes another."""
        mind = self._person.minds[host] = Mind(itertools.repeat("retry"), 0.1)
        path = dataclasses.replace(upload.path, files=(PLAIN,))
        is_same = takes_another(self._stage.browser.name, path) and upload.fault not in ("tab closed", "navigated")
        begun = time.time()
        if is_same:
            received = self._anew(run)
            try:
                async with self._hands:
                    await self._act(path, page)
            except CLUMSY as problem:
                return Ending("stuck", False, f"no second upload: {str(problem)[:200]}")
        else:
            other, run, begun = await self._pick(host, Upload(upload.number, dataclasses.replace(PATHS[0], files=(PLAIN,))))
            received = self._stage.site.runs[run]
        await self._settle(host, received, End(begun, 1))
        await asyncio.sleep(QUIET_SECONDS)
        files = [File(PLAIN, self._stage.uploads[PLAIN])]
        ending = await asyncio.to_thread(judge, [files], received, self._record.since(host, begun), mind.allowed, is_stamped)
        if not is_same:
            self._tabs[host] = other
        return ending


def arrivals(files: Iterable[File]) -> int:
    """How many of them the site counts: one without content arrives as none."""
    return sum(bool(file.upload.data) for file in files)


@contextlib.asynccontextmanager
async def open_uploader(browser: str) -> AsyncIterator[Uploader]:
    """Everything up, with a site for each page that is open at once, and the person at the hold window."""
    async with open_stage(browser, daemon_type=StampingDaemon, hosts=HOSTS) as stage:
        folder = stage.uploads["jpeg"].path.parent
        stage.uploads.update(photos.make_every_kind(folder))
        await tell(stage.browser, {"type": "set-history", "on": True})
        console = await stage.browser.open_extension("_locales/en/messages.json")
        record = Record(console)
        watching = asyncio.create_task(record.watch())
        try:
            async with Person(stage.browser) as person:
                yield Uploader(stage, person, record, console)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
