"""A virtual display, where there is no other: only a display has a clipboard that other programs share."""

import asyncio
import os

from tests.end_to_end.browser import find_program


class VirtualDisplay:
    """An X server of its own; `name` is what DISPLAY has to be."""

    def __init__(self) -> None:
        self.name = ""
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> str:
        """Start it, and say its name: ":N"."""
        read, write = os.pipe()
        self._process = await asyncio.create_subprocess_exec(
            find_program("Xvfb"), "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp",
            pass_fds=[write], stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        os.close(write)
        with os.fdopen(read) as pipe:
            number = await asyncio.to_thread(pipe.readline)
        self.name = f":{number.strip()}"
        return self.name

    async def stop(self) -> None:
        if self._process:
            self._process.terminate()
            await self._process.wait()
            self._process = None
