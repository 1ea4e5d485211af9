"""The daemon: whether it runs, answers, and is of this version; and whether one that does not run could have its port."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from typing import Final

import psutil

from daemon import VERSION
from daemon.client import DaemonClient, NoDaemonError
from daemon.doctor.finding import Finding, Place
from daemon.service import manager as service
from daemon.state.folder import LocalAccess, is_locked, read_local, remove_local

ANSWER_SECONDS: Final = 8.0
"""A daemon answers within milliseconds; on a machine that is busy with everything else, it may take seconds."""

RESTART: Final = "Restart it: `cloakroom service stop`, then `cloakroom service start`"


def check(place: Place) -> Iterator[Finding]:
    """Who holds the lock runs: the system takes it from the dead."""
    runs = is_locked(place.state)
    word = read_local(place.state)
    if runs and word is not None:
        yield asyncio.run(_asked(place, word))
    elif runs:
        found = f"one runs with this folder, and its local.json is {'damaged' if _has_word(place) else 'gone'}"
        advice = f"{RESTART}. Until then `cloakroom pair` and `status` cannot reach it."
        yield Finding("daemon-word-lost", "daemon", found, advice)
    else:
        yield from _left(place, word)
        yield from _absent(place)


def _has_word(place: Place) -> bool:
    return (place.state / "local.json").exists()


async def _asked(place: Place, word: LocalAccess) -> Finding:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            async with await DaemonClient.open_local(place.state) as client:
                theirs = client.welcome.version
    except (NoDaemonError, TimeoutError):
        found = f"process {word.pid} holds port {word.port} and does not answer within {ANSWER_SECONDS:.0f} s"
        return Finding("daemon-hung", "daemon", found, f"{RESTART}; one that you started by hand: `kill -9 {word.pid}`.")
    if theirs != VERSION:
        found = f"the daemon that runs is of version {theirs}, installed is {VERSION}"
        return Finding("daemon-other-version", "daemon", found, f"{RESTART}, so that the installed one runs.")
    return Finding("daemon", "daemon", f"answers on 127.0.0.1:{word.port}, version {theirs}")


def _left(place: Place, word: LocalAccess | None) -> Iterator[Finding]:
    """Find the files that a killed daemon left; the next daemon removes them."""
    file = place.state / "local.json"
    if not file.exists():
        return

    def remove() -> str:
        if word is not None:
            # Not that of a daemon which has started meanwhile.
            remove_local(place.state, word)
        elif not is_locked(place.state):
            file.unlink(missing_ok=True)
        return "It was removed."

    if word is None:
        found, code = "local.json is damaged, and no daemon runs", "daemon-word-damaged"
    else:
        found, code = f"a daemon that is gone (process {word.pid}) left its local.json", "daemon-word-left"
    yield Finding(code, "daemon", found, "Delete it, or start a daemon: `cloakroom serve`.", remove)


def _absent(place: Place) -> Iterator[Finding]:
    taken = _taken(place.values.port)
    if taken is None:
        advice = service.by_hand()
        if service.has_manager():
            advice = "Start it: `cloakroom service install` for every day, `cloakroom serve` to try."
        yield Finding("daemon-absent", "daemon", f"none runs; port {place.values.port} is free for it", advice)
        return
    if taken == errno.EACCES:
        advice = "Set port to one from 1024 on, or leave it out for the default."
        yield Finding("port-forbidden", "daemon", f"port {place.values.port} is for administrators", advice)
        return
    who = holder(place.values.port)
    if who is not None and who.name().startswith(("systemd", "launchd")):
        found = f"none runs yet; {who.name()} listens on port {place.values.port} and starts it with the first browser"
        yield Finding("daemon", "daemon", found)
        return
    named = f"{who.name()} (process {who.pid})" if who else "a program of another user"
    advice = (
        "Stop that program, or set another port (`cloakroom settings`), run `cloakroom service install` again, and pair "
        "the browsers again."
    )
    yield Finding("port-taken", "daemon", f"none runs, and port {place.values.port} is taken by {named}", advice)


def _taken(port: int) -> int | None:
    """The system's reason why the daemon could not listen; None where it could."""
    with socket.socket() as probe:
        if os.name == "posix":
            # As the daemon does: connections that have just ended are in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError as problem:
            return problem.errno
    return None


def holder(port: int) -> psutil.Process | None:
    """The program that listens there, where this user may know."""
    with contextlib.suppress(psutil.Error):
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid:
                return psutil.Process(one.pid)
    return None
