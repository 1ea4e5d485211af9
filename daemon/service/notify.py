"""Messages between systemd and the daemon: sd_notify(3) and sd_listen_fds(3), without a library for so little.

Everywhere else the variables are not set, and nothing here does anything.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, MutableMapping

FIRST_DESCRIPTOR = 3


def tell(state: str) -> bool:
    """Send a state such as "READY=1" to whoever started us; False where nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return False
    # An abstract socket is written with an @.
    target = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(state.encode(), target)
        except OSError:
            return False
    return True


def watchdog_seconds() -> float | None:
    """How long systemd waits for the next sign of life; None where it does not watch this process."""
    watched = os.environ.get("WATCHDOG_PID")
    if watched is not None and watched != str(os.getpid()):
        return None
    try:
        seconds = int(os.environ.get("WATCHDOG_USEC", "")) / 1_000_000
    except ValueError:
        return None
    return seconds if seconds > 0 else None


async def feed_watchdog(is_alive: Callable[[], bool]) -> None:
    """Give a sign of life twice as often as is asked for, for as long as there is life; returns where nobody watches.

    That this runs at all says that the event loop does.
    """
    seconds = watchdog_seconds()
    if seconds is None:
        return
    while True:
        if is_alive():
            tell("WATCHDOG=1")
        await asyncio.sleep(seconds / 2)


def inherited_sockets(environment: MutableMapping[str, str] = os.environ) -> list[socket.socket]:
    """The listening sockets that systemd opened for this process; none where it did not.

    The variables are taken away: a worker of ours is not meant by them.
    """
    meant = environment.pop("LISTEN_PID", "")
    count = environment.pop("LISTEN_FDS", "")
    environment.pop("LISTEN_FDNAMES", None)
    if meant != str(os.getpid()) or not count.isdecimal():
        return []
    inherited = []
    for descriptor in range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(count)):
        with contextlib.suppress(OSError):
            os.set_inheritable(descriptor, False)
            inherited.append(socket.socket(fileno=descriptor))
    return inherited
