"""Debian's Firefox, driven over WebDriver BiDi."""

import asyncio
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.end_to_end.bidi import ANSWER_SECONDS, BiDi, BiDiError
from tests.end_to_end.browser import EXTENSION, Browser, find_program
from tests.end_to_end.display import VirtualDisplay
from tests.end_to_end.firefox_page import FirefoxPage, privileged

EXTENSION_ID = "cloakroom@cloakroom.example"
EXTENSION_UUID = "5b2f9a3e-7c14-4e0d-9d1f-2a6c8e4b7f10"
START_SECONDS = 60.0
PREFERENCES: dict[str, object] = {
    "extensions.webextensions.uuids": json.dumps({EXTENSION_ID: EXTENSION_UUID}),
    # Answers the permission prompt with yes; the request still needs a person's click, which the tests make.
    "extensions.webextOptionalPermissionPrompts": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "dom.disable_open_during_load": False,
    "remote.prefs.recommended": True,
    # Software draws every frame here, and hundreds of tabs come and go: neither what spins nor what could be opened again.
    "ui.prefersReducedMotion": 1,
    "browser.sessionstore.max_tabs_undo": 0,
    "browser.sessionstore.max_windows_undo": 0,
    "browser.sessionstore.interval": 3_600_000,
    "browser.sessionstore.resume_from_crash": False,
    # On by default from Firefox 154 on.
    "network.lna.websocket.enabled": True,
}
_numbers = itertools.count()


NO_DIALOGS = """(() => {
  const nothing = () => {};
  const createInstance = (wanted) => ({
    init: nothing, open: nothing, appendFilter: nothing, appendFilters: nothing, appendRawFilter: nothing,
    displayDirectory: null, file: null, QueryInterface: ChromeUtils.generateQI(['nsIFilePicker']),
  }).QueryInterface(wanted);
  const factory = { createInstance, QueryInterface: ChromeUtils.generateQI(['nsIFactory']) };
  const registrar = Components.manager.QueryInterface(Ci.nsIComponentRegistrar);
  registrar.registerFactory(Services.uuid.generateUUID(), '', '@mozilla.org/filepicker;1', factory);
})()"""
"""Opens no dialog where a page asks for files. BiDi chooses files without answering the dialog: each stays open to the end of
the run and takes its share of the processor. BiDi can dismiss them, but then the page hears of a cancellation by nobody."""


class Firefox(Browser):
    """Firefox with the extension, and a virtual display where there is none: only a display has a clipboard for images.

    Args:
        headless: without a window.
        extension: the folder of another one than ours, None for a browser without any.
        preferences: of about:config, besides those that every test needs.
        hosts: names that lead to this machine.
    """

    name = "firefox"
    version = ""

    def __init__(
        self,
        *,
        headless: bool = True,
        extension: Path | None = EXTENSION,
        preferences: Mapping[str, object] | None = None,
        hosts: Sequence[str] = (),
    ) -> None:
        self._headless = headless
        self._extension = extension
        self._preferences = PREFERENCES | {"network.dns.localDomains": ",".join(hosts)} | dict(preferences or {})
        self._folder = Path(tempfile.mkdtemp(prefix="cloakroom-firefox-"))
        self._process: asyncio.subprocess.Process | None = None
        self.display = VirtualDisplay()
        self._bidi: BiDi | None = None
        self._first = ""

    @property
    def bidi(self) -> BiDi:
        assert self._bidi
        return self._bidi

    async def start(self) -> None:
        program = find_program("firefox-esr", "firefox")
        profile = self._folder / "profile"
        profile.mkdir()
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in self._preferences.items()]
        (profile / "user.js").write_text("\n".join(lines))
        environment = {**os.environ, "HOME": str(self._folder), "MOZ_DISABLE_CONTENT_SANDBOX": "1"}
        if self._headless:
            environment["DISPLAY"] = await self.display.start()
            environment.pop("WAYLAND_DISPLAY", None)
        self._process = await asyncio.create_subprocess_exec(
            program, "--no-remote", "--remote-debugging-port", "0", "--remote-allow-system-access", "--profile", str(profile),
            env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self._bidi = await BiDi.connect(await self._address())
        self.version = self._bidi.capabilities["capabilities"]["browserVersion"]
        await privileged(self.bidi, NO_DIALOGS)
        await self.bidi.send("session.subscribe", {"events": ["input.fileDialogOpened"]})
        tree = await self.bidi.send("browsingContext.getTree", {"maxDepth": 0})
        self._first = tree["contexts"][0]["context"]
        if self._extension:
            await self.bidi.send("webExtension.install", {"extensionData": {"type": "path", "path": str(self._extension)}})

    async def _address(self) -> str:
        assert self._process
        assert self._process.stderr
        async with asyncio.timeout(START_SECONDS):
            while line := await self._process.stderr.readline():
                if match := re.search(rb"WebDriver BiDi listening on (ws://\S+)", line):
                    self._drain = asyncio.create_task(self._process.stderr.read())
                    return match[1].decode()
        raise RuntimeError("Firefox ended instead of listening")

    async def stop(self) -> None:
        if self._bidi:
            with contextlib.suppress(BiDiError, TimeoutError, ConnectionError):
                await self._bidi.send("browser.close", {})
            await self._bidi.close()
        if self._process:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await self._process.wait()
            # Its content processes outlive a browser that ended badly.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        await self.display.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def open(self, url: str) -> FirefoxPage:
        page = FirefoxPage(self.bidi, await self._new_tab())
        await page.go(url)
        return page

    async def _new_tab(self) -> str:
        """The context of a new tab beside the first one: what is in front may be the hold window, and just closing.

        A page that opens windows may take the first tab away, even between the list of tabs and the opening; another
        tab is the first one then.
        """
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                tree = await self.bidi.send("browsingContext.getTree", {"maxDepth": 0})
                there = [tab["context"] for tab in tree["contexts"] if not tab["url"].endswith("hold/hold.html")]
                if self._first not in there:
                    self._first = there[0]
                beside = {"type": "tab", "referenceContext": self._first}
                try:
                    return str((await self.bidi.send("browsingContext.create", beside))["context"])
                except BiDiError as error:
                    if "DiscardedBrowsingContextError" not in str(error):
                        raise
                    # The list still names a tab that is going: leave it out until it is gone.
                    await asyncio.sleep(0.1)

    async def open_extension(self, path: str) -> FirefoxPage:
        return await self.open(f"moz-extension://{EXTENSION_UUID}/{path}")

    async def kill_background(self) -> None:
        # Whatever it is in the middle of. Any page that needs it starts another one at once: only this one has to be gone.
        outlived = await privileged(
            self.bidi,
            f"""(async () => {{
              const {{ extension }} = WebExtensionPolicy.getByID({EXTENSION_ID!r});
              const views = [...extension.views].filter(({{ viewType }}) => viewType === 'background');
              await extension.terminateBackground({{ ignoreDevToolsAttached: true, disableResetIdleForTest: true }});
              const isThere = () => views.some((view) => extension.views.has(view));
              for (let look = 0; look < 100 && isThere(); look += 1) await new Promise((later) => {{ setTimeout(later, 50); }});
              return isThere();
            }})()""",
        )
        if outlived:
            raise RuntimeError("the background did not end")

    async def reload_extension(self) -> None:
        await privileged(
            self.bidi,
            f"""(async () => {{
              const {{ AddonManager }} = ChromeUtils.importESModule('resource://gre/modules/AddonManager.sys.mjs');
              await (await AddonManager.getAddonByID({EXTENSION_ID!r})).reload();
              return true;
            }})()""",
        )

    async def hold_window_gone(self) -> None:
        while True:
            tree = await self.bidi.send("browsingContext.getTree", {"maxDepth": 0})
            if not any(context["url"].endswith("hold/hold.html") for context in tree["contexts"]):
                return
            await asyncio.sleep(0.1)

    async def hold_window(self, seconds: float) -> FirefoxPage:
        async with asyncio.timeout(seconds):
            while True:
                tree = await self.bidi.send("browsingContext.getTree", {"maxDepth": 0})
                for context in tree["contexts"]:
                    if context["url"].endswith("hold/hold.html"):
                        return FirefoxPage(self.bidi, context["context"])
                await asyncio.sleep(0.1)
