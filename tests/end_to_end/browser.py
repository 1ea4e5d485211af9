"""The tests' interface to a browser. Everything is done as a person does it: real clicks, choosers and events."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import which
from typing import Any

EXTENSION = Path(__file__).parents[2] / "extension"

TARGET = (60, 60)
"""Every test page keeps what is clicked, or dropped on, here."""

BUTTON = (60, 200)
"""And the button that sends a form here."""


class Page(ABC):
    """A tab."""

    @abstractmethod
    async def evaluate(self, expression: str) -> Any:
        """The JSON value of an expression, awaited when it is a promise."""

    async def wait_for(self, expression: str, seconds: float = 60.0) -> Any:
        """The expression's value once it is true; the page itself looks again and again.

        Raises:
            TimeoutError: it did not become true in time.
        """
        look = (
            f"const look = () => {{ const value = {expression}; if (value) done(value); else setTimeout(look, 40); }}; look();"
        )
        async with asyncio.timeout(seconds):
            return await self.evaluate(f"new Promise((done) => {{ {look} }})")

    @abstractmethod
    async def click(self, selector: str) -> None:
        """A real click on an element of the main frame."""

    @abstractmethod
    async def click_at(self, point: tuple[int, int]) -> None:
        """A real click at a place."""

    @abstractmethod
    async def type(self, selector: str, text: str) -> None:
        """Real key presses, in place of what a field held."""

    @abstractmethod
    async def pick(self, files: Sequence[Path], point: tuple[int, int] = TARGET) -> None:
        """Click, and choose files in the chooser that opens."""

    @abstractmethod
    async def drop(self, files: Sequence[Path], point: tuple[int, int] = TARGET) -> None:
        """Drag files from outside and drop them: a trusted event."""

    @abstractmethod
    async def copy(self, contents: Mapping[str, bytes]) -> None:
        """Put contents on the clipboard by their MIME types, as a page may; what is at `TARGET` has the focus then."""

    @abstractmethod
    async def press(self, *keys: str) -> None:
        """Press keys together: "Control", "Enter" or letters."""

    async def paste(self, file: Path) -> None:
        """Put an image on the clipboard and paste it with a trusted event."""
        await self.copy({"image/png": await asyncio.to_thread(file.read_bytes)})
        await self.press("Control", "v")

    @abstractmethod
    async def go(self, url: str) -> None:
        """Leave for another address, and wait until it is there."""

    @abstractmethod
    async def activate(self) -> None:
        """Bring it to the front."""

    @abstractmethod
    async def close(self) -> None:
        """Close the tab."""

    @abstractmethod
    async def screenshot(self, path: Path) -> None:
        """Write what it shows as a PNG."""


class Browser(ABC):
    """A browser with the extension, in a fresh profile."""

    name: str
    version: str

    @abstractmethod
    async def start(self) -> None:
        """Start it."""

    @abstractmethod
    async def stop(self) -> None:
        """End it and remove its profile."""

    @abstractmethod
    async def open(self, url: str) -> Page:
        """Open an address in a new tab."""

    @abstractmethod
    async def open_extension(self, path: str) -> Page:
        """Open one of the extension's own pages."""

    @abstractmethod
    async def hold_window(self, seconds: float) -> Page:
        """The extension's hold window.

        Raises:
            TimeoutError: it did not open in time.
        """

    @abstractmethod
    async def hold_window_gone(self) -> None:
        """Return once no hold window is open."""

    @abstractmethod
    async def kill_background(self) -> None:
        """End the extension's background, as the browser does when it pleases."""

    @abstractmethod
    async def reload_extension(self) -> None:
        """Start the extension anew under the tabs that are open, as its update does."""

    async def __aenter__(self) -> "Browser":
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def find_program(*names: str) -> str:
    """The path of the first program that is installed.

    Raises:
        FileNotFoundError: none is. The browsers are what is tested: without one there is nothing to pass.
    """
    for name in names:
        if found := which(name):
            return found
    raise FileNotFoundError(f"No {' or '.join(names)} on this machine: install it, or run `python3 install test`.")
