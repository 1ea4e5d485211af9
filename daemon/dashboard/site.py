"""Serves the page on a port of its own, in the process of `cloakroom dashboard`, for as long as somebody looks.

Not the daemon's port and not its process: what browsers send their photos to gains no page, no cookie and no second
kind of proof, and nothing runs when nobody looks. The numbers come over the daemon's Unix socket, which is this
user's alone.

Who may see them: whoever holds the key, and that is the one page that was first to bring the one-time token. The token
stands behind the `#` of the address, which browsers send to nobody; the page takes it out of the address at once, and
exchanges it for the key, which it keeps for its own tab. A cookie would be sent to every port of 127.0.0.1, also to
one on which another user listens. The page itself, without numbers, is no secret.

A hostile page gets nothing: a rebound name fails the exact Host, a request from elsewhere fails Origin and
Sec-Fetch-Site before the key is even looked at, nothing may frame or load what is here, and no answer has CORS headers.
"""

import asyncio
import hmac
import json
import secrets
import socket as sockets
import time
from collections.abc import Callable
from importlib import resources
from typing import Final

from daemon.dashboard.history import History
from daemon.front.visitor import Judged, Keeper
from daemon.metrics.reader import NoMetricsError, Sample
from daemon.wire.request import REFUSAL, Request, answer

TOKEN_SECONDS: Final = 60.0
LEAST_SECONDS: Final = 1.0
"""Between two readings, however often the page asks."""

MOST_VISITORS: Final = 64
VISITOR_SECONDS: Final = 10.0

_PAGES: Final = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

Read = Callable[[], list[Sample]]
"""Asks the daemon; raises NoMetricsError."""


class Site(Keeper):
    """The page and its numbers.

    Args:
        read: asks the daemon, in a thread.
        clock: seconds that only go forward.
    """

    def __init__(self, read: Read, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(MOST_VISITORS, VISITOR_SECONDS)
        self._read = read
        self._clock = clock
        self._token: str | None = secrets.token_urlsafe(32)
        self._until = clock() + TOKEN_SECONDS
        self._key: str | None = None
        self._history = History()
        self._reading = asyncio.Lock()
        self._host = ""
        self.asked = clock()
        """When the page last asked."""

    async def start(self) -> str:
        """Listen on a free port of 127.0.0.1, and return the address that opens the page: once, within 60 seconds."""
        listener = sockets.socket(sockets.AF_INET, sockets.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        self._host = f"127.0.0.1:{listener.getsockname()[1]}"
        self._until = self._clock() + TOKEN_SECONDS
        await self.open([listener])
        return f"http://{self._host}/#{self._token}"

    async def stop(self) -> None:
        self.close()

    def judge(self, request: Request) -> Judged:
        if request.only("host") != self._host:
            return REFUSAL
        match request.method, request.target:
            case "GET", path if path in _PAGES:
                return _page(path)
            case "POST", "/session" if self._from_our_page(request) and self._spend(_bearer(request)):
                self._key = secrets.token_urlsafe(32)
                return _json({"key": self._key})
            case "GET", "/numbers" if self._from_our_page(request) and _is(self._key, _bearer(request)):
                self.asked = self._clock()
                return self._numbers()
        return REFUSAL

    def _from_our_page(self, request: Request) -> bool:
        """Browsers say where a request comes from, and no page can make them say otherwise."""
        return request.every("origin") in ([], [f"http://{self._host}"]) and (
            request.every("sec-fetch-site") in ([], ["same-origin"])
        )

    def _spend(self, given: str) -> bool:
        """Whether this is the token, in time; then never again."""
        if self._clock() > self._until:
            self._token = None
        if not _is(self._token, given):
            return False
        self._token = None
        return True

    async def _numbers(self) -> bytes:
        async with self._reading:
            last = self._history.last
            if last is None or self._clock() - last >= LEAST_SECONDS:
                try:
                    read = await asyncio.to_thread(self._read)
                except NoMetricsError as problem:
                    return _json({"problem": str(problem)})
                self._history.add(self._clock(), read)
        return _json(self._history.told())


def _bearer(request: Request) -> str:
    kind, _, given = (request.only("authorization") or "").partition(" ")
    return given if kind == "Bearer" else ""


def _is(expected: str | None, given: str) -> bool:
    # Something is compared also where there is nothing to be right about.
    right = hmac.compare_digest((expected or secrets.token_urlsafe(32)).encode(), given.encode("utf-8", "surrogateescape"))
    return right and expected is not None


def _page(path: str) -> bytes:
    name, kind = _PAGES[path]
    body = resources.files("daemon.dashboard").joinpath(name).read_bytes()
    return answer(200, {**_HEADERS, "Content-Type": kind}, body)


def _json(value: object) -> bytes:
    return answer(200, {**_HEADERS, "Content-Type": "application/json"}, json.dumps(value).encode())
