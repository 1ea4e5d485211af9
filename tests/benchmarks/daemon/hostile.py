"""Handshakes and sessions that mean harm, and what a paired client notices of them.

The client's photos take turns with and without the attack, in blocks, so that whatever else the machine does falls on both.
"""

import asyncio
import contextlib
import multiprocessing
import time
from multiprocessing.synchronize import Event

import numpy as np
from aiohttp import ClientError
from websockets.exceptions import WebSocketException

from daemon.client import DaemonClient, NoDaemonError
from daemon.figures import say
from daemon.wire.protocol import PolicyRequest
from tests.benchmarks.daemon import hostile_handshakes, hostile_sessions, strangers
from tests.benchmarks.daemon.front import until_ready
from tests.benchmarks.daemon.process import Place, running
from tests.daemon.raw_clients import MALFORMED
from tests.daemon.samples import astronaut, saved

BLOCKS = 6
PHOTOS = 25
"""In each block."""
POLICY = PolicyRequest(protectors=("scene",), strength="balanced", sensitive=())
ATTACKS = (
    "a foreign",
    "a site's origin",
    "a wrong proof",
    "a wrong code",
    "bytes",
    "a deflated frame",
    "a key with one bit off",
)
"""Attacks that are repeated meanwhile, besides the half-open connections."""

TURNED_AWAY = (OSError, TimeoutError, WebSocketException, ClientError, NoDaemonError)
"""Errors that an attacker may meet."""

WARM_UP = 5


async def measure() -> dict[str, float]:
    """`hostile.cases` and those of them that were `accepted`, or answered in another way than others that were refused; a
    paired client's 95th percentile during over before."""
    accepted = []
    count = 0
    with running() as daemon:
        await until_ready(daemon)
        for name, case in hostile_handshakes.cases():
            count += 1
            if await case(daemon):
                accepted.append(name)
        for name, session_case in hostile_sessions.CASES.items():
            count += 1
            async with hostile_sessions.rogue(daemon) as rogue, hostile_sessions.rogue(daemon) as other:
                if await session_case(rogue, other):
                    accepted.append(name)
        for name, malform in MALFORMED.items():
            count += 1
            if strangers.told_apart(daemon, malform):
                accepted.append(f"told apart: {name}")
        for name, is_hit in (await strangers.cases(daemon)).items():
            count += 1
            if is_hit:
                accepted.append(name)
        for name in accepted:
            say(f"ACCEPTED: {name}")
        say(f"{count} hostile handshakes and sessions, {len(accepted)} accepted")
        if not await _works(daemon):
            raise RuntimeError("the daemon does not protect photos any more")
        normal, attacked, tries = await _percentiles(daemon)
    return {
        "hostile.cases": count,
        "hostile.accepted": len(accepted),
        "hostile.guesses": hostile_handshakes.GUESSES,
        "hostile.half_open": hostile_handshakes.HALF_OPEN,
        "hostile.attacks_meanwhile": tries,
        "hostile.p95_normal_ms": normal,
        "hostile.p95_attacked_ms": attacked,
        "hostile.p95_ratio": attacked / normal,
    }


async def _works(daemon: Place) -> bool:
    async with await daemon.client() as client:
        return await _seconds(client, 0) > 0


async def _seconds(client: DaemonClient, number: int) -> float:
    photo = saved(astronaut(), "JPEG", quality=80 + number % 15)
    begun = time.perf_counter()
    await client.protect(photo, POLICY, name="a.jpg", mime="image/jpeg")
    return time.perf_counter() - begun


async def _percentiles(daemon: Place) -> tuple[float, float, int]:
    """Milliseconds at the 95th percentile, alone and under attack, and how often it was attacked."""
    times: dict[bool, list[float]] = {False: [], True: []}
    context = multiprocessing.get_context("spawn")
    tries = context.Value("q", 0)
    async with await daemon.client() as client:
        for number in range(WARM_UP):
            await _seconds(client, number)
        for block in range(2 * BLOCKS):
            is_attacked = bool(block % 2)
            over = context.Event()
            given = (Place(daemon.state, daemon.port), over, tries)
            attacker = context.Process(target=attack, args=given, daemon=True) if is_attacked else None
            if attacker is not None:
                before = tries.value
                attacker.start()
                # It has to begin before anything is measured against it.
                while attacker.is_alive() and tries.value == before:  # noqa: ASYNC110 - the other process has no event of this loop
                    await asyncio.sleep(0.05)
            times[is_attacked] += [await _seconds(client, number) for number in range(PHOTOS)]
            if attacker is not None:
                if not attacker.is_alive():
                    raise RuntimeError("the attacker is gone: what was measured was not under attack")
                over.set()
                await asyncio.to_thread(attacker.join, 30)
    normal, attacked = (float(np.percentile(times[key], 95)) * 1000 for key in (False, True))
    return normal, attacked, int(tries.value)


def attack(daemon: Place, over: Event, tries: "multiprocessing.sharedctypes.Synchronized[int]") -> None:
    """In a process of its own, as fast as it can, until it is over."""
    asyncio.run(_attack(daemon, over, tries))


async def _attack(daemon: Place, over: Event, tries: "multiprocessing.sharedctypes.Synchronized[int]") -> None:
    chosen = [case for name, case in hostile_handshakes.cases() if name in ATTACKS]

    async def go_on(first: int) -> None:
        number = first
        while not over.is_set():
            with contextlib.suppress(*TURNED_AWAY):
                await chosen[number % len(chosen)](daemon)
            number += 1
            with tries.get_lock():
                tries.value += 1

    async def half_open() -> None:
        while not over.is_set():
            with contextlib.suppress(*TURNED_AWAY):
                await hostile_handshakes.half_open(daemon)
            with tries.get_lock():
                tries.value += hostile_handshakes.HALF_OPEN

    await asyncio.gather(half_open(), *(go_on(first) for first in range(4)))
