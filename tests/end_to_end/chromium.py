"""Debian's Chromium, driven with Playwright."""

import asyncio
import base64
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, CDPSession, Playwright, async_playwright
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page as PlaywrightPage

from tests.end_to_end.browser import EXTENSION, TARGET, Browser, Page, find_program
from tests.end_to_end.display import VirtualDisplay

EXTENSION_ID = "dimefedcpapjaedghdnffhadabnldoen"
ONBOARDING = "onboarding/onboarding.html"
START_SECONDS = 30.0
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Every host name leads to this machine; the certificate there is the tests' own.
    "--host-resolver-rules=MAP * 127.0.0.1",
    "--ignore-certificate-errors",
)


def with_permissions(extension: Path, folder: Path, origins: Sequence[str]) -> Path:
    """A copy of the extension that has been granted origins: a headless browser shows no permission prompt to accept.

    Nothing but the manifest's `host_permissions` differs.
    """
    copy = folder / "extension"
    shutil.copytree(extension, copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["host_permissions"] = list(origins)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


class ChromiumPage(Page):
    """A tab of Chromium."""

    def __init__(self, page: PlaywrightPage) -> None:
        self.page = page

    async def evaluate(self, expression: str) -> Any:
        return await self.page.evaluate(expression)

    async def click(self, selector: str) -> None:
        try:
            await self.page.click(selector)
        except PlaywrightError as error:
            # A button of the hold window may close its own page before Playwright hears that the click was made.
            if not (self.page.is_closed() and "performing click action" in str(error)):
                raise

    async def click_at(self, point: tuple[int, int]) -> None:
        await self.page.mouse.click(*point)

    async def type(self, selector: str, text: str) -> None:
        await self.page.fill(selector, "")
        await self.page.type(selector, text)

    async def pick(self, files: Sequence[Path], point: tuple[int, int] = TARGET) -> None:
        async with self.page.expect_file_chooser() as chooser:
            await self.page.mouse.click(*point)
        await (await chooser.value).set_files(list(files))

    async def drop(self, files: Sequence[Path], point: tuple[int, int] = TARGET) -> None:
        session: CDPSession = await self.page.context.new_cdp_session(self.page)
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            await session.send("Input.dispatchDragEvent", {"type": kind, "x": point[0], "y": point[1], "data": data})
        await session.detach()

    async def copy(self, contents: Mapping[str, bytes]) -> None:
        told = {kind: base64.b64encode(data).decode() for kind, data in contents.items()}
        await self.page.evaluate(
            """async (told) => {
              const blobs = {};
              for (const [type, text] of Object.entries(told)) {
                blobs[type] = new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], { type });
              }
              await navigator.clipboard.write([new ClipboardItem(blobs)]);
            }""",
            told,
        )

    async def press(self, *keys: str) -> None:
        await self.page.keyboard.press("+".join(keys))

    async def go(self, url: str) -> None:
        await self.page.goto(url)

    async def activate(self) -> None:
        await self.page.bring_to_front()

    async def close(self) -> None:
        await self.page.close()

    async def screenshot(self, path: Path) -> None:
        await self.page.screenshot(path=path)


class Chromium(Browser):
    """Chromium with the extension.

    Args:
        origins: match patterns that the extension is granted.
        headless: without a window.
        extension: the folder of another one than ours, None for a browser without any.
        on_display: with a window, on a virtual display, whose clipboard it shares with native programs.
    """

    name = "chromium"
    version = ""

    def __init__(
        self, origins: Sequence[str], *, headless: bool = True, extension: Path | None = EXTENSION, on_display: bool = False
    ) -> None:
        self._origins = origins
        self._extension = extension
        self._headless = headless and not on_display
        self._on_display = on_display
        self.display = VirtualDisplay()
        self._folder = Path(tempfile.mkdtemp(prefix="cloakroom-chromium-"))
        self._playwright: Playwright | None = None
        self._context: BrowserContext | None = None

    @property
    def context(self) -> BrowserContext:
        assert self._context
        return self._context

    async def start(self) -> None:
        program = find_program("chromium", "chromium-browser", "google-chrome")
        flags = list(FLAGS)
        if self._extension:
            extension = with_permissions(self._extension, self._folder, self._origins)
            flags += [f"--disable-extensions-except={extension}", f"--load-extension={extension}"]
        environment: dict[str, str | float | bool] = {
            name: value for name, value in os.environ.items() if name != "WAYLAND_DISPLAY"
        }
        if self._on_display:
            environment["DISPLAY"] = await self.display.start()
            flags.append("--ozone-platform=x11")
        self._playwright = await async_playwright().start()
        self._context = await self._playwright.chromium.launch_persistent_context(
            self._folder / "profile",
            executable_path=program,
            headless=self._headless,
            args=flags,
            env=environment,
            ignore_default_args=["--disable-extensions"],
            permissions=["clipboard-read", "clipboard-write"],
        )
        # The new extension shows its onboarding, in whichever tab is blank: not in one of the tests' own.
        if self._extension and (self._extension / ONBOARDING).is_file():
            await self._shown(ONBOARDING, START_SECONDS)
        self.version = self._context.browser.version if self._context.browser else await self._user_agent()

    async def _user_agent(self) -> str:
        page = self.context.pages[0]
        return str(await page.evaluate("navigator.userAgent.replace(/.*Chrome.([0-9.]+).*/, '$1')"))

    async def stop(self) -> None:
        if self._context:
            await self._context.close()
        if self._playwright:
            await self._playwright.stop()
        await self.display.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def open(self, url: str) -> ChromiumPage:
        page = await self.context.new_page()
        # From the start: switched on at the click itself, the interception would come too late for that click.
        page.on("filechooser", lambda _: None)
        await page.goto(url)
        return ChromiumPage(page)

    async def open_extension(self, path: str) -> ChromiumPage:
        return await self.open(f"chrome-extension://{EXTENSION_ID}/{path}")

    async def kill_background(self) -> None:
        page = await self.open_extension("options/options.html")
        session = await self.context.new_cdp_session(page.page)
        stopped = asyncio.Event()

        def note(event: dict[str, Any]) -> None:
            if any(version["runningStatus"] == "stopped" for version in event["versions"]):
                stopped.set()

        session.on("ServiceWorker.workerVersionUpdated", note)
        await session.send("ServiceWorker.enable")
        await session.send("ServiceWorker.stopAllWorkers")
        async with asyncio.timeout(10):
            await stopped.wait()
        await page.close()

    async def reload_extension(self) -> None:
        page = await self.open_extension("options/options.html")
        async with page.page.expect_event("close"):
            await page.page.evaluate("void setTimeout(() => chrome.runtime.reload(), 0)")
        # The pages of the extension answer again once it is there.
        await asyncio.sleep(1)

    async def hold_window_gone(self) -> None:
        for page in self.context.pages:
            if page.url.endswith("hold/hold.html"):
                await page.wait_for_event("close")

    async def hold_window(self, seconds: float) -> ChromiumPage:
        return await self._shown("hold/hold.html", seconds)

    async def _shown(self, path: str, seconds: float) -> ChromiumPage:
        """A page of the extension that it opens itself."""
        async with asyncio.timeout(seconds):
            while True:
                for page in self.context.pages:
                    if page.url.endswith(path):
                        await page.wait_for_load_state()
                        return ChromiumPage(page)
                await asyncio.sleep(0.05)
