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

from aiohttp import web

from daemon.exposition import CONTENT_TYPE
from daemon.tokens import kept_token

log = logging.getLogger("cloakroom.metrics")

PATH: Final = "/metrics"
SOCKET_NAME: Final = "metrics.sock"
TOKEN_NAME: Final = "metrics.token"  # noqa: S105 - the file's name
_FROM_A_PAGE: Final = ("Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Referer", "Cookie")


def metrics_socket(state: Path) -> Path:
    return state / SOCKET_NAME


def metrics_token(state: Path) -> Path:
    return state / TOKEN_NAME


class TokenDoor:
    """Lets in over the loopback whoever holds the token, which outlives the daemon: a collector is set up once.

    Raises:
        OSError: the token cannot be kept.
    """

    def __init__(self, state: Path) -> None:
        kept = kept_token(metrics_token(state))
        self._expected = f"Bearer {kept}".encode()

    def admits(self, request: web.BaseRequest, hosts: Collection[str]) -> bool:
        """Whether this is a request for the metrics that may have them."""
        headers = request.headers
        given = headers.getall("Authorization", [])
        return (
            request.method == "GET"
            and request.raw_path == PATH
            and headers.getall("Host", []) in [[host] for host in hosts]
            and not any(name in headers for name in _FROM_A_PAGE)
            and len(given) == 1
            and hmac.compare_digest(given[0].encode("utf-8", "surrogateescape"), self._expected)
        )


class MetricsSocket:
    """Serves the metrics on a Unix socket that only this user can open.

    Args:
        path: where; what lies there is from a daemon that is gone, because a state folder has one daemon.
        text: makes the answer.
    """

    def __init__(self, path: Path, text: Callable[[], bytes]) -> None:
        self._path = path
        self._text = text
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        """Listen. Where that cannot be (no such sockets, a path too long), the daemon goes on without."""
        try:
            listener = _listen(self._path)
        except OSError as problem:
            log.warning("the metrics' socket cannot be opened: %s", type(problem).__name__)
            return
        server = web.Server(self._answer, access_log=None, lingering_time=0)
        self._runner = web.ServerRunner(server)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            with contextlib.suppress(OSError):
                self._path.unlink()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "GET" or request.raw_path != PATH:
            return web.Response(status=403)
        return answer(self._text())


def answer(text: bytes) -> web.Response:
    """The metrics, for nobody to keep."""
    headers = {
        "Content-Type": CONTENT_TYPE,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Server": "cloakroom",
    }
    response = web.Response(body=text, headers=headers)
    response.force_close()
    return response


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
