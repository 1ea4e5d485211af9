"""A person at the hold window: answers every question, with the words that each site's upload was drawn with."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Error as PlaywrightError

from tests.end_to_end.bidi import BiDiError
from tests.end_to_end.browser import Browser, Page

LOOK_SECONDS = 0.15
AGAIN_MS = 3000
"""A click that finds the background just ended is lost; whoever sees the question still there clicks again."""

CARDS = f"""JSON.stringify(Array.from(document.querySelectorAll('article'))
  .filter((card) => !(Date.now() - Number(card.dataset.answered ?? 0) < {AGAIN_MS}))
  .map((card) => ({{
    hold: card.dataset.hold,
    title: card.querySelector('h2').textContent,
    files: Array.from(card.querySelectorAll('li'), (row) => row.textContent.split(' · ')[0]),
    why: card.querySelector('p').textContent,
  }})))"""

SEEN_SECONDS = 20.0
"""The window's buttons act once it was in front for a moment; a new question in it starts the moment anew."""

CLICK = """([hold, word]) => {
  const button = document.querySelector(`article[data-hold="${hold}"] button[name="${word}"]`);
  if (!button || button.disabled) return false;
  button.closest('article').dataset.answered = Date.now();
  button.click();
  return true;
}"""
IS_READY = """([hold, word]) => {
  const card = document.querySelector(`article[data-hold="${hold}"]`);
  return !card || !card.querySelector(`button[name="${word}"]`).disabled;
}"""


@dataclass
class Mind:
    """The person's plan for one site's upload, the questions they were asked and the answers they gave."""

    words: Iterator[str] = field(default_factory=lambda: iter(()))
    thinks: float = 0.0
    allowed: set[str] = field(default_factory=set)
    """Names of the files that they said may go as they are."""
    asked: list[str] = field(default_factory=list)
    """The extension's reasons, each time."""


class Person:
    """Entered, they watch the hold window until they are left."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.hands = asyncio.Lock()
        """Held by whoever acts on a page: a person has but one pair, and only one window is in front."""
        self.minds: dict[str, Mind] = {}
        self.open: set[str] = set()
        """Hosts with a question that waits."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._thinking: set[str] = set()

    async def __aenter__(self) -> "Person":
        self._tasks.add(asyncio.create_task(self._watch()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            try:
                window = await self._browser.hold_window(LOOK_SECONDS)
                cards: list[dict[str, Any]] = json.loads(await window.evaluate(CARDS))
            except (PlaywrightError, BiDiError, TimeoutError):
                # It is not there, or just closed.
                self.open.clear()
                await asyncio.sleep(LOOK_SECONDS)
                continue
            self.open = {host for host in self.minds for card in cards if card["title"].split()[-1] == host}
            for card in cards:
                if card["hold"] not in self._thinking:
                    self._thinking.add(card["hold"])
                    task = asyncio.create_task(self._answer(window, card))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(LOOK_SECONDS)

    async def _answer(self, window: Page, card: dict[str, Any]) -> None:
        try:
            host = next(host for host in self.minds if host in card["title"].split())
            mind = self.minds[host]
            await asyncio.sleep(mind.thinks)
            mind.asked.append(card["why"])
            word = next(mind.words, "cancel")
            if word == "original":
                mind.allowed |= set(card["files"])
            clicked = await self._press(window, json.dumps([card["hold"], word]))
            if not clicked:
                mind.allowed -= set(card["files"])
        except (PlaywrightError, BiDiError, TimeoutError):
            return
        finally:
            self._thinking.discard(card["hold"])

    async def _press(self, window: Page, which: str) -> bool:
        """Bring the window to the front and press a button of a card; False where it is not there any more."""
        async with self.hands:
            await window.activate()
            await window.wait_for(f"({IS_READY})({which})", SEEN_SECONDS)
            return bool(await window.evaluate(f"({CLICK})({which})"))
