"""Who may read the metrics: this user, over a socket in the state folder, or whoever holds the token, over the loopback.

The Unix socket needs no secret: its mode is 0600 and its folder's 0700, so the system itself keeps others out. The
loopback port is for collectors that read only addresses; other users of the machine and pages in a browser can reach
it too. There a token is asked for, in a header alone (never in an address), and what a browser sends along with every
request of a page is refused even with it. No page can be sent here, because the answer to anything less is the same
403 as for everything else, without CORS headers.
"""

import contextlib
import hmac
import logging
import os
import socket as sockets
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from daemon.front.visitor import Judged, Keeper
from daemon.metrics.exposition import CONTENT_TYPE
from daemon.metrics.places import PATH, metrics_token
from daemon.state.tokens import kept_token
from daemon.wire.request import REFUSAL, Request, answer

log = logging.getLogger("cloakroom.metrics")

_FROM_A_PAGE: Final = ("origin", "sec-fetch-site", "sec-fetch-mode", "referer", "cookie")

METRICS_FIELDS: Final = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Fields of an answer with metrics: it may not be cached."""

MOST_READERS: Final = 64
READER_SECONDS: Final = 10.0


class TokenDoor:
    """Lets in over the loopback whoever holds the token, which outlives the daemon: a collector is set up once.

    Raises:
        OSError: the token cannot be kept.
    """

    def __init__(self, state: Path) -> None:
        kept = kept_token(metrics_token(state))
        self._expected = f"Bearer {kept}".encode()

    def admits(self, request: Request, hosts: Collection[str]) -> bool:
        """Whether this is a request for the metrics that may have them."""
        given = request.only("authorization")
        return (
            request.method == "GET"
            and request.target == PATH
            and request.only("host") in hosts
            and not any(request.every(name) for name in _FROM_A_PAGE)
            and given is not None
            and hmac.compare_digest(given.encode("latin-1"), self._expected)
        )


class MetricsSocket(Keeper):
    """Serves the metrics on a Unix socket that only this user can open.

    Args:
        path: where; what lies there is from a daemon that is gone, because a state folder has one daemon.
        text: makes the answer.
    """

    def __init__(self, path: Path, text: Callable[[], bytes]) -> None:
        super().__init__(MOST_READERS, READER_SECONDS)
        self._path = path
        self._text = text
        self._is_open = False

    async def start(self) -> None:
        """Listen. Where that cannot be (no such sockets, a path too long), the daemon goes on without."""
        try:
            listener = _listen(self._path)
        except OSError as problem:
            log.warning("the metrics' socket cannot be opened: %s", type(problem).__name__)
            return
        await self.open([listener])
        self._is_open = True

    def stop(self) -> None:
        self.close()
        if self._is_open:
            self._is_open = False
            with contextlib.suppress(OSError):
                self._path.unlink()

    def judge(self, request: Request) -> Judged:
        if request.method != "GET" or request.target != PATH:
            return REFUSAL
        return answer(200, METRICS_FIELDS, self._text())


def _listen(path: Path) -> sockets.socket:
    if not hasattr(sockets, "AF_UNIX"):
        raise OSError("this system has no Unix sockets")
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listener = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    # The socket's file is made with its mode, not given it afterwards.
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(mask)
    listener.setblocking(False)
    return listener
