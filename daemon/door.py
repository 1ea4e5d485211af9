"""The daemon's door: who is let as far as the handshake, and one refusal for everybody else."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from daemon.descriptors import most_strangers
from daemon.handshake import DaemonHandshake
from daemon.metrics import Metrics
from daemon.opening import is_opening
from daemon.pairing import Pairing
from daemon.protocol import VERSION, Welcome, encode
from daemon.request import REFUSAL, Request
from daemon.visitor import Judged, Keeper, Proved

PATH: Final = "/v1"
STRANGER_SECONDS: Final = 10.0
"""From the connection on."""


@dataclass(frozen=True)
class Inside:
    """What the door asks of the daemon behind it.

    Attributes:
        answer: to a request that needs no handshake, where it may have one.
        closed: why nobody else is let in; None where they are.
        welcome: what a proved client is told.
        take_over: has its connection from then on.
    """

    answer: Callable[[Request], bytes | None]
    closed: Callable[[], str | None]
    welcome: Callable[[DaemonHandshake], Welcome]
    take_over: Callable[[Proved], None]


class Door(Keeper):
    """Args:
    hosts: the addresses that it listens on, as `Host` has them.
    pairing: knows whose origin may open a websocket.
    metrics: counts who was refused, and why. Who was refused does not learn it.
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
        return DaemonHandshake(request.only("host") or "", request.only("origin") or "", self._pairing)

    def _objection(self, request: Request) -> str | None:
        """Before the upgrade: exact host, known origin, the one path, room for one more; None if nothing is wrong."""
        if request.only("host") not in self._hosts:
            return "host"
        if not self._pairing.admits(request.only("origin")):
            return "origin"
        if request.target != PATH or not is_opening(request, VERSION):
            return "request"
        return self._inside.closed()

    def malformed(self) -> None:
        self._metrics.refused("door", "request")

    def failed(self, reason: str) -> None:
        self._metrics.refused("handshake", reason)

    def welcome(self, handshake: DaemonHandshake) -> str:
        return encode(self._inside.welcome(handshake))

    def take_over(self, proved: Proved) -> None:
        self._inside.take_over(proved)
