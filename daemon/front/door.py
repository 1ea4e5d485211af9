"""The daemon's listener: decides which requests get a handshake; all others get one and the same refusal."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from daemon.front.descriptors import most_strangers
from daemon.front.pairing import Pairing
from daemon.front.visitor import Admitted, Gate, Judged, Keeper, Proved
from daemon.metrics.counts import Metrics
from daemon.wire.handshake import DaemonHandshake
from daemon.wire.opening import is_opening
from daemon.wire.protocol import VERSION, Welcome, encode
from daemon.wire.request import REFUSAL, Request

PATH: Final = "/v1"
STRANGER_SECONDS: Final = 10.0
"""Time to authenticate, from the connection on."""


@dataclass(frozen=True)
class Inside:
    """Callbacks of the daemon for its listener.

    Attributes:
        answer: returns the answer to a request that needs no handshake; None where it gets none.
        closed: returns why no further client is let in; None where clients are let in.
        welcome: returns the message for an authenticated client.
        take_over: takes over the connection of an authenticated client.
    """

    answer: Callable[[Request], bytes | None]
    closed: Callable[[], str | None]
    welcome: Callable[[DaemonHandshake], Welcome]
    take_over: Callable[[Proved], None]


class Door(Keeper, Gate):
    """The listener of the daemon.

    Args:
        hosts: the addresses that it listens on, as `Host` has them.
        pairing: knows whose origin may open a websocket.
        metrics: counts refusals by their reasons, which the refused client is not told.
        inside: callbacks of the daemon.
    """

    def __init__(self, hosts: Collection[str], pairing: Pairing, metrics: Metrics, inside: Inside) -> None:
        super().__init__(most_strangers(), STRANGER_SECONDS)
        self._hosts = hosts
        self._pairing = pairing
        self._metrics = metrics
        self._inside = inside

    def judge(self, request: Request) -> Judged:
        answer = self._inside.answer(request)
        if answer is not None:
            return answer
        objection = self._objection(request)
        if objection is not None:
            self._metrics.refused("door", objection)
            return REFUSAL
        return Admitted(DaemonHandshake(request.only("host") or "", request.only("origin") or "", self._pairing), self)

    def _objection(self, request: Request) -> str | None:
        """Return the first reason to refuse a request: host, origin, path and opening, no room; None where there is none."""
        if request.only("host") not in self._hosts:
            return "host"
        if not self._pairing.admits(request.only("origin")):
            return "origin"
        if request.target != PATH or not is_opening(request, VERSION):
            return "request"
        return self._inside.closed()

    def malformed(self) -> bytes:
        self._metrics.refused("door", "request")
        return super().malformed()

    def failed(self, reason: str) -> None:
        self._metrics.refused("handshake", reason)

    def welcome(self, handshake: DaemonHandshake) -> str:
        return encode(self._inside.welcome(handshake))

    def take_over(self, proved: Proved) -> None:
        self._inside.take_over(proved)
