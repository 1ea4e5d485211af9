"""Whoever has connected and not proved themselves: so many at once, each for so long.

Where there are more, the one that has been there the longest makes room. So a program that opens sockets and says nothing
keeps nobody out: a client of ours proves itself within milliseconds of its coming.
"""

import asyncio
from collections.abc import Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server


class Strangers:
    """Args:
    most: how many there may be.
    seconds: how long each may stay one.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._present: dict[object, tuple[Callable[[], None], asyncio.TimerHandle]] = {}
        """The oldest first."""

    def __len__(self) -> int:
        return len(self._present)

    def enter(self, who: object, send_away: Callable[[], None]) -> None:
        timer = asyncio.get_running_loop().call_later(self._seconds, self._expel, who)
        self._present[who] = (send_away, timer)
        if len(self._present) > self._most:
            self._expel(next(iter(self._present)))

    def leave(self, who: object) -> None:
        """They went, or are strangers no more."""
        _, timer = self._present.pop(who, (None, None))
        if timer is not None:
            timer.cancel()

    def _expel(self, who: object) -> None:
        send_away, _ = self._present[who]
        self.leave(who)
        send_away()


class Door(Server):
    """aiohttp's low-level server, where every connection is a stranger until `admit`.

    It has no router, whose own 404 and 405 would tell refusals apart.
    """

    def __init__(self, handler: Callable[[web.BaseRequest], object], strangers: Strangers) -> None:
        super().__init__(handler, access_log=None, lingering_time=0)  # type: ignore[arg-type]
        self._strangers = strangers

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._strangers.enter(handler, transport.abort)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        self._strangers.leave(handler)
        super().connection_lost(handler, exc)

    def admit(self, request: web.BaseRequest) -> None:
        """Whoever sent this has proved themselves."""
        self._strangers.leave(request.protocol)
