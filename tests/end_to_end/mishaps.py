"""Faults in the middle of an upload."""

import asyncio
import json
from collections import Counter

from daemon.front.pairing import LOCAL_CLIENT
from tests.end_to_end.browser import Page
from tests.end_to_end.random_plan import Upload
from tests.end_to_end.stage import Stage


class Mishaps:
    """Strikes a stage, one thing at a time.

    Args:
        stage: what is struck.
        console: a page of the extension that asks its background nothing by itself.
        hands: held by whoever acts on a page.
    """

    def __init__(self, stage: Stage, console: Page, hands: asyncio.Lock) -> None:
        self._stage = stage
        self._console = console
        self._hands = hands
        self._one = asyncio.Lock()
        self.counts: Counter[str] = Counter()

    async def happen(self, upload: Upload, page: Page, host: str) -> None:
        """The fault of an upload, once it is over; to pick again is left to the person."""
        self.counts[upload.fault] += 1
        if upload.fault == "tab closed":
            await page.close()
        elif upload.fault == "navigated":
            address = self._stage.site.url("attached", f"elsewhere-{upload.number}", host=host)
            await page.evaluate(f"void setTimeout(() => location.assign({json.dumps(address)}), 0)")
        elif upload.fault != "picked again":
            async with self._one:
                await self._strike(upload)

    async def _strike(self, upload: Upload) -> None:
        daemon = self._stage.daemon
        if upload.fault == "daemon killed":
            await daemon.kill()
            await asyncio.sleep(upload.lasts)
            await daemon.start()
        elif upload.fault == "daemon paused":
            await daemon.pause(upload.lasts)
        elif upload.fault == "worker killed":
            daemon.kill_worker()
        elif upload.fault == "background killed":
            async with self._hands:
                await self._stage.browser.kill_background()
        else:
            await self._revoke(upload.lasts)

    async def _revoke(self, seconds: float) -> None:
        """Take the browser's pairing away, and pair it anew."""
        async with self._stage.daemon.client() as client:
            for entry in await client.clients():
                if entry.client != LOCAL_CLIENT:
                    await client.revoke(entry.client)
        await asyncio.sleep(seconds)
        code = await self._stage.daemon.pairing_code()
        message = json.dumps({"type": "pair", "port": self._stage.daemon.port, "code": code})
        answer = await self._console.evaluate(f"chrome.runtime.sendMessage({message})")
        if not answer["ok"]:
            raise RuntimeError(f"pairing anew: {answer}")
