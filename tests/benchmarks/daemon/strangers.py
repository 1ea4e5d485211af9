"""Strangers in numbers: 2,000 connections a second, while a client of ours comes in again and again; and 60 that send as
much as they are let, and the memory meanwhile.

The attack runs in a process of its own and counts what it really did: a machine that is busy with something else may not reach
the rate, and the figures say so, with the machine's load.
"""

import asyncio
import contextlib
import errno
import multiprocessing
import os
import socket
import time
from collections import deque
from collections.abc import Callable
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event

import numpy as np

from daemon.client import DaemonClient, NoDaemonError
from daemon.figures import say
from daemon.front.descriptors import ask_for_more
from daemon.wire.opening import MAX_SAID
from tests.benchmarks.daemon.process import Daemon, Place, running
from tests.daemon.raw_clients import HELLO, PROOF, answer, client_frame, upgrade

RATE = 2000
"""Connections a second."""
SECONDS = 60.0
SHORT_SECONDS = 10.0
TICK = 0.01
CATCHES_UP = RATE // 2
KEPT = 4000
"""Connections that the attacker keeps open; the oldest are closed for new ones."""
ENTRIES_A_SECOND = 4.0

MANY = 60
EACH = 4 * 1024 * 1024 - 1024
"""Bytes that each of them tries to have kept: of a frame that a client of ours might send."""
SETTLE_SECONDS = 3.0
ALLOWED = 8 * 1024 * 1024


def kinds(port: int) -> list[bytes]:
    """Beginnings that a stranger sends before waiting: nothing, less than is needed, or all that needs no key."""
    opening = upgrade(port)
    hello = client_frame(1, (HELLO % '"c-0123456789abcdef"').encode())
    return [
        b"",
        b"GET /v1 HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"GET /v1 HTTP/1.1\r\nX: " + b"x" * 15_000,
        upgrade(port, Origin="https://social.example"),
        opening,
        opening + hello,
        opening + hello + client_frame(1, PROOF.encode()),
        opening + hello[:-1],
    ]


def attack(port: int, over: Event, done: "Synchronized[int]") -> None:
    """Connect at the rate, as far as the machine lets it, until it is over."""
    ask_for_more()
    sent = kinds(port)
    kept: deque[socket.socket] = deque()
    begun, number = time.perf_counter(), 0
    while not over.is_set():
        # Where the machine was busy with something else it catches up; behind by more, it goes on from there.
        due = int((time.perf_counter() - begun) * RATE)
        if due - number > CATCHES_UP:
            begun = time.perf_counter() - (number + CATCHES_UP) / RATE
            due = number + CATCHES_UP
        while number < due:
            number += 1
            with contextlib.suppress(OSError):
                kept.append(_stranger(port, sent[number % len(sent)]))
                with done.get_lock():
                    done.value += 1
            if len(kept) > KEPT:
                kept.popleft().close()
        time.sleep(TICK)
    for connection in kept:
        connection.close()


def _stranger(port: int, sent: bytes) -> socket.socket:
    connection = socket.socket()
    try:
        connection.settimeout(1.0)
        connection.connect(("127.0.0.1", port))
        if sent:
            connection.sendall(sent)
    except OSError:
        connection.close()
        raise
    return connection


async def entries(daemon: Daemon, seconds: float = SECONDS) -> dict[str, float]:
    """How often a client of ours comes in while strangers connect, of all times that it tried, and how long that takes; and
    what thousands of strangers at once cost the front, which keeps it for the next ones."""
    context = multiprocessing.get_context("spawn")
    over, done = context.Event(), context.Value("q", 0)
    load, alone = os.getloadavg()[0], daemon.front.memory_info().rss
    attacker = context.Process(target=attack, args=(daemon.port, over, done), daemon=True)
    attacker.start()
    # It has to have filled what there is to fill before anything is measured against it.
    while attacker.is_alive() and done.value < KEPT:  # noqa: ASYNC110 - the other process has no event of this loop
        await asyncio.sleep(0.05)
    times: list[float] = []
    tried = 0
    begun, before = time.perf_counter(), done.value
    while time.perf_counter() - begun < seconds:
        tried += 1
        started = time.perf_counter()
        with contextlib.suppress(NoDaemonError):
            await (await DaemonClient.open_local(daemon.state)).close()
            times.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(max(0.0, 1 / ENTRIES_A_SECOND - (time.perf_counter() - started)))
    taken, connected = time.perf_counter() - begun, done.value - before
    if not attacker.is_alive():
        raise RuntimeError("the attacker is gone: what was measured was not under attack")
    crowd = daemon.front.memory_info().rss
    over.set()
    await asyncio.to_thread(attacker.join, 30)
    say(f"{len(times)} of {tried} came in, at {connected / taken:.0f} strangers a second, load {load:.1f} before")
    return {
        "strangers.crowd_rss": max(0, crowd - alone),
        "strangers.success": len(times) / tried,
        "strangers.tried": tried,
        "strangers.rate": connected / taken,
        "strangers.entry_p95_ms": float(np.percentile(times, 95)) if times else float("inf"),
        "strangers.load_before": load,
        "strangers.load_after": os.getloadavg()[0],
    }


def hoards(port: int) -> list[bytes]:
    """Return bytes that a stranger sends to have them kept: beginnings of messages that do not end."""
    opening = upgrade(port)
    hello = client_frame(1, (HELLO % "null").encode())
    return [
        opening + client_frame(1, bytes(EACH), end=False),
        opening + client_frame(2, bytes(EACH), end=False),
        opening + hello + client_frame(1, b"x" * EACH, end=False),
        opening + client_frame(1, b"x" * (MAX_SAID - 1)) * (EACH // MAX_SAID),
        b"GET /v1 HTTP/1.1\r\nX: " + b"x" * EACH,
        b"GET /v1 HTTP/1.1\r\n" + b"X: y\r\n" * (EACH // 6),
        b"POST /v1 HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n" + bytes(EACH),
        b"x" * EACH,
        opening + client_frame(1, b"x" * (MAX_SAID - 1), end=False),
        b"GET /v1 HTTP/1.1\r\nX: " + b"x" * 8000,
    ]


async def memory(daemon: Daemon) -> dict[str, float]:
    """Bytes that the front grows by at most while 60 strangers send, and by how much it is larger once they have left."""
    # What a first connection of each kind costs once is not the strangers'.
    await _hoard(daemon, len(hoards(daemon.port)), lambda: 0)
    await asyncio.sleep(SETTLE_SECONDS)
    before = daemon.front.memory_info().rss
    peak = await _hoard(daemon, MANY, lambda: daemon.front.memory_info().rss)
    await asyncio.sleep(SETTLE_SECONDS)
    after = daemon.front.memory_info().rss
    say(f"front {before / 2**20:.1f} MiB, with {MANY} strangers up to {peak / 2**20:.1f}, afterwards {after / 2**20:.1f}")
    return {
        "strangers.rss": max(0, peak - before),
        "strangers.rss_left": max(0, after - before),
        "strangers.rss_before": before,
    }


async def _hoard(daemon: Daemon, many: int, look: Callable[[], int]) -> int:
    sent = hoards(daemon.port)
    ends = [asyncio.create_task(asyncio.to_thread(_send_all, daemon.port, sent[number % len(sent)])) for number in range(many)]
    peak = look()
    while not all(end.done() for end in ends):
        peak = max(peak, look())
        await asyncio.sleep(0.005)
    connections = [end.result() for end in ends]
    for _ in range(200):
        peak = max(peak, look())
        await asyncio.sleep(0.005)
    for connection in connections:
        connection.close()
    return peak


def _send_all(port: int, data: bytes) -> socket.socket:
    """Send as much as is taken, for two seconds at most, and stay."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=2.0)
    connection.settimeout(2.0)
    with contextlib.suppress(OSError):
        connection.sendall(data)
    return connection


async def measure() -> dict[str, float]:
    """`strangers.success` under the attack and `strangers.rss` of 60 strangers, with what they were measured at."""
    with running("--worker", "need") as daemon:
        return await memory(daemon) | await entries(daemon)


async def cases(daemon: Daemon) -> dict[str, bool]:
    """Whether they hit: strangers in numbers as two cases among others, short."""
    held = await memory(daemon)
    let_in = await entries(daemon, SHORT_SECONDS)
    return {
        "sixty strangers grow the front": held["strangers.rss"] > ALLOWED or held["strangers.rss_left"] > ALLOWED,
        "two thousand strangers a second keep a client out": let_in["strangers.success"] < 1,
    }


def told_apart(daemon: Place, malform: Callable[[bytes], bytes]) -> bool:
    """Whether the answer to it is any other than that to a request from elsewhere."""
    usual = answer(daemon.port, upgrade(daemon.port, Origin="https://another.example"))
    try:
        return answer(daemon.port, malform(upgrade(daemon.port))) != usual
    except OSError as problem:
        return problem.errno != errno.ECONNRESET
