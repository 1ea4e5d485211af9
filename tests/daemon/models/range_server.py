"""A web server that gives files in ranges, keeps a log, and can stop in the middle of an answer. Only its faults are made."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

BLOCK = 16 * 1024
_RANGE = re.compile(r"bytes=(\d+)-")


@dataclass
class Asked:
    """One request as it came, and what was sent for it."""

    path: str
    range: str | None
    if_range: str | None
    status: int = 0
    sent: int = 0


@dataclass
class RangeServer:
    """Attributes:
    files: by path.
    moved: paths that are redirected, and where to.
    log: every request, the oldest first.
    stop_at: offset in the file beyond which nothing is sent, while the connection stays open.
    stopped: set once it stands still there.
    breaks: offset in the file at which the connection is closed, for each request to come; the last counts for all others.
    has_ranges: otherwise every answer is the whole file.
    validator: the header that tells states of the file apart: "ETag", "Last-Modified", or "" for none.
    has_length: otherwise how long an answer is, is not said.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    log: list[Asked] = field(default_factory=list)
    url: str = ""
    stop_at: int | None = None
    breaks: list[int | None] = field(default_factory=list)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    has_ranges: bool = True
    validator: str = "ETag"
    has_length: bool = True

    @property
    def ranges(self) -> list[str | None]:
        return [asked.range for asked in self.log]

    @property
    def sent(self) -> int:
        return sum(asked.sent for asked in self.log)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(request.path, request.headers.get("Range"), request.headers.get("If-Range"))
        self.log.append(asked)
        answer = self._answer(asked)
        asked.status = answer.status
        if answer.status >= 300:
            return answer
        data = self.files[request.path]
        offset = _offset(asked) if answer.status == 206 else 0
        break_at = (self.breaks.pop(0) if len(self.breaks) > 1 else self.breaks[0]) if self.breaks else None
        if self.has_length:
            answer.content_length = len(data) - offset
        await answer.prepare(request)
        with contextlib.suppress(ConnectionError):
            await self._send(request, answer, data, offset, break_at, asked)
        return answer

    async def _send(
        self, request: web.Request, answer: web.StreamResponse, data: bytes, offset: int, break_at: int | None, asked: Asked
    ) -> None:
        while offset < len(data):
            ends = [end for end in (self.stop_at, break_at) if end is not None and end >= offset]
            block = data[offset : min([offset + BLOCK, *ends])]
            if not block and break_at == offset:
                if request.transport is not None:
                    request.transport.close()
                return
            if not block:
                self.stopped.set()
                await asyncio.Event().wait()
            await answer.write(block)
            offset += len(block)
            asked.sent += len(block)

    def _answer(self, asked: Asked) -> web.StreamResponse:
        if asked.path in self.moved:
            return web.Response(status=302, headers={"Location": self.moved[asked.path]})
        data = self.files.get(asked.path)
        if data is None:
            return web.Response(status=404)
        headers = {"Accept-Ranges": "bytes"}
        mark = _mark(self.validator, data)
        if mark:
            headers[self.validator] = mark
        is_same = asked.if_range is None or asked.if_range == mark
        if asked.range is None or not self.has_ranges or not is_same:
            return web.StreamResponse(status=200, headers=headers)
        offset = _offset(asked)
        if offset >= len(data):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {offset}-{len(data) - 1}/{len(data)}"
        return web.StreamResponse(status=206, headers=headers)


def _offset(asked: Asked) -> int:
    found = _RANGE.fullmatch(asked.range or "")
    assert found, asked.range
    return int(found[1])


def _mark(kind: str, data: bytes) -> str:
    """Return a validator of this state of the file."""
    digest = hashlib.sha256(data).hexdigest()
    if kind == "ETag":
        return f'"{digest[:16]}"'
    # Any date will do, as long as another content has another.
    return f"Sun, 22 Nov 2026 10:{int(digest[:2], 16) % 60:02}:{int(digest[2:4], 16) % 60:02} GMT" if kind else ""


@asynccontextmanager
async def range_server() -> AsyncIterator[RangeServer]:
    server = RangeServer()
    application = web.Application()
    application.router.add_get("/{path:.*}", server.handle)
    # Handlers that stand still end with their client, or with the server.
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
