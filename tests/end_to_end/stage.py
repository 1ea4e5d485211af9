"""A browser with the extension, paired with a real daemon, and a web server: everything a test needs at once."""

import asyncio
import contextlib
import itertools
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from tests.end_to_end import paths
from tests.end_to_end.browser import BUTTON, EXTENSION, Browser, Page
from tests.end_to_end.chromium import Chromium
from tests.end_to_end.daemon_process import DaemonProcess
from tests.end_to_end.paths import Path
from tests.end_to_end.photos import Upload, make_all
from tests.end_to_end.received import Run
from tests.end_to_end.site import HOST, OFF_HOST, Site
from tests.pretrained import place_networks

QUICKEST = ("scene",)
"""The rule that paths run with: a photo's way does not depend on the protector."""

UPLOAD_SECONDS = 120.0
CHANGE_SECONDS = 20.0

FEW = 10
"""Hosts that are switched on one by one; more of them are the whole table, with the default protectors."""


@dataclass
class Stage:
    """Entered with `open_stage`."""

    browser: Browser
    daemon: DaemonProcess
    site: Site
    uploads: dict[str, Upload]
    _runs: "itertools.count[int]" = field(default_factory=itertools.count)

    async def visit(self, path: Path, *, protected: bool = True, host: str = HOST, tab: Page | None = None) -> tuple[Page, str]:
        """Open a path's page, in a tab that is there or a new one, and say which run it is."""
        run = f"{path.name}-{next(self._runs)}"
        address = self.site.url(paths.page_of(path), run, protected=protected, host=host)
        if tab:
            await tab.go(address)
        page = tab or await self.browser.open(address)
        if path.name == "reopened":
            await page.wait_for("document.title === 'ready'")
        return page, run

    async def act(self, path: Path, page: Page) -> None:
        """Do what the path's person does."""
        files = [self.uploads[name].path for name in path.files]
        if path.is_folder:
            files = [files[0].parent]
        if path.action == "pick":
            await page.pick(files)
        elif path.action == "drop":
            await page.drop(files)
        else:
            await page.paste(files[0])
        if path.press:
            await page.click_at(BUTTON)

    async def upload(self, path: Path, *, protected: bool = True, seconds: float = UPLOAD_SECONDS) -> Run:
        """Visit, act, and wait for every file.

        Raises:
            TimeoutError: not all of them came.
        """
        page, run = await self.visit(path, protected=protected)
        try:
            await self.act(path, page)
            await self.site.wait(run, len(path.files), seconds)
            # What a page might send besides would come now.
            await asyncio.sleep(0.2)
            return self.site.runs[run]
        finally:
            await page.close()


async def pair(browser: Browser, daemon: DaemonProcess) -> None:
    """Pair on the options page, as a person does."""
    page = await browser.open_extension("options/options.html")
    code = await daemon.pairing_code()
    await page.type("#port", str(daemon.port))
    await page.type("#code", code)
    await page.click("#pair button")
    await _succeeds(page, "#pair-answer")


async def switch_on(browser: Browser, host: str) -> None:
    """Switch a site on, on the options page."""
    page = await browser.open_extension("options/options.html")
    await page.type("#site", host)
    await page.click("#add button")
    await _succeeds(page, "#add-answer")


async def switch_on_table(browser: Browser) -> None:
    """Switch on every site of the extension's table, on the onboarding page."""
    page = await browser.open_extension("onboarding/onboarding.html")
    await page.wait_for("document.querySelectorAll('#offered input').length >= 25")
    assert await page.evaluate("document.querySelectorAll('#offered input:checked').length") == 0
    await page.evaluate("document.querySelectorAll('#offered input:enabled').forEach((box) => { box.checked = true; })")
    await page.click("#choose button")
    await _succeeds(page, "#choose-answer")


async def _succeeds(page: Page, answer: str) -> None:
    """Wait for what a page says, in whatever language, and close it."""
    said, mood = await page.wait_for(
        f"(({{ textContent, className }}) => textContent && [textContent, className])(document.querySelector('{answer}'))"
    )
    await page.close()
    if "good" not in mood:
        raise RuntimeError(said)


async def tell(browser: Browser, message: dict[str, Any]) -> None:
    """Ask the background for a change as the extension's own pages do.

    Raises:
        RuntimeError: it refused.
    """
    page = await browser.open_extension("options/options.html")
    answer = await page.evaluate(f"chrome.runtime.sendMessage({json.dumps(message)})")
    await page.close()
    if answer != {"ok": True}:
        raise RuntimeError(f"not done: {answer}")


async def set_rule(browser: Browser, host: str, **rule: object) -> None:
    """Change a site's rule."""
    await tell(browser, {"type": "set-site", "host": host, "rule": rule})


async def leaks(console: Page, *, forget: bool = False) -> list[dict[str, object]]:
    """Return what the person was told, and clear it if it is to be forgotten."""
    if forget:
        await console.evaluate("chrome.runtime.sendMessage({ type: 'forget-leaks' })")
    told = await console.evaluate("chrome.storage.session.get('leaks').then(({ leaks }) => leaks ?? [])")
    return list(told)


async def take_leaks(browser: Browser) -> list[dict[str, Any]]:
    """Return the originals that a page sent past the hold, as the person was told of them, and forget them."""
    page = await browser.open_extension("options/options.html")
    told = await leaks(page)
    await leaks(page, forget=True)
    await page.close()
    return told


async def badge_is(page: Page, text: str) -> None:
    """Wait until the button's badge says so: the browser draws it some time after the background has set it.

    Raises:
        TimeoutError: it never did.
    """
    async with asyncio.timeout(CHANGE_SECONDS):
        while await page.evaluate("chrome.action.getBadgeText({})") != text:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def choose_protectors(browser: Browser, host: str, protectors: tuple[str, ...]) -> None:
    """Change what a site's photos are protected from."""
    await set_rule(browser, host, protectors=protectors)


async def keeps(page: Page, condition: str, area: str = "local", seconds: float = 20.0) -> None:
    """Wait until the extension's storage is as a condition on `kept` says: a page shows a change a moment before.

    Raises:
        TimeoutError: it never was.
    """
    look = f"chrome.storage.{area}.get().then((kept) => Boolean({condition}))"
    async with asyncio.timeout(seconds):
        while True:
            if await page.evaluate(look):
                return
            await asyncio.sleep(0.05)


async def open_popup(browser: Browser, address: str) -> Page:
    """The popup of the tab whose address has this in it."""
    asking = await browser.open_extension("options/options.html")
    found = f"chrome.tabs.query({{}}).then((tabs) => tabs.find(({{ url }}) => url?.includes({json.dumps(address)}))?.id)"
    number = await asking.evaluate(found)
    await asking.close()
    page = await browser.open_extension(f"popup/popup.html?tab={number}")
    await page.wait_for("!document.querySelector('#switch').disabled")
    return page


async def last_reports(browser: Browser) -> list[dict[str, Any]]:
    """Return the daemon's reports of the last upload's photos, as the extension keeps them for the popup."""
    page = await browser.open_extension("popup/popup.html")
    kept = await page.evaluate("chrome.storage.session.get('last').then(({ last }) => JSON.stringify(last.reports))")
    await page.close()
    reports: list[dict[str, Any]] = json.loads(kept)
    return reports


def new_browser(
    name: str,
    *,
    headless: bool = True,
    extension: FilePath | None = EXTENSION,
    hosts: Sequence[str] = (HOST,),
    on_display: bool = False,
) -> Browser:
    """Chromium or Firefox with an extension or none, not yet started, that may be switched on for those hosts.

    Firefox is always on a display.
    """
    if name == "chromium":
        origins = [f"{scheme}://{host}/*" for host in hosts for scheme in ("http", "https")]
        return Chromium(origins, headless=headless, extension=extension, on_display=on_display)
    from tests.end_to_end.firefox import Firefox

    return Firefox(headless=headless, extension=extension, hosts=[*hosts, *(f"{host}." for host in hosts), OFF_HOST])


@contextlib.asynccontextmanager
async def open_stage(
    name: str,
    protectors: tuple[str, ...] = QUICKEST,
    *,
    headless: bool = True,
    daemon_type: type[DaemonProcess] = DaemonProcess,
    extension: FilePath = EXTENSION,
    hosts: Sequence[str] = (HOST,),
    on_display: bool = False,
    pretrained: bool = False,
) -> AsyncIterator[Stage]:
    """Daemon, site and browser, paired and switched on for the site's hosts; with the pretrained networks that were pulled."""
    with tempfile.TemporaryDirectory(prefix="cloakroom-") as folder:
        root = FilePath(folder)
        photos = root / "photos"
        photos.mkdir()
        if pretrained:
            place_networks(root / "state")
        async with (
            daemon_type(root / "state") as daemon,
            Site(hosts) as site,
            new_browser(name, headless=headless, extension=extension, hosts=hosts, on_display=on_display) as browser,
        ):
            await daemon.ready()
            await pair(browser, daemon)
            if len(hosts) > FEW:
                await switch_on_table(browser)
            else:
                for host in hosts:
                    await switch_on(browser, host)
                    await choose_protectors(browser, host, protectors)
            yield Stage(browser, daemon, site, make_all(photos))
