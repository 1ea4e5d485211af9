"""Jobs while the worker and the daemon are killed at random: how each of them ends, and how soon its client knows.

A client does what the extension does: it comes back when its socket is gone, asks for what it had under way, and sends anew
what the daemon does not know any more. A daemon that was killed has forgotten everything; its clients have not.
"""

import asyncio
import random
import secrets
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from daemon.client import DaemonClient, NoDaemonError, Protected
from daemon.figures import say
from daemon.wire.errors import CloakroomError
from tests.benchmarks.daemon.process import Daemon, end, spawn
from tests.benchmarks.daemon.untouched import POLICY
from tests.daemon.samples import astronaut, opened, saved

CLIENTS = 8
SECONDS = 0.4
"""Seconds that each photo takes: long enough for a kill."""

KILL_AFTER = (0.05, 2.5)
WORKER_SHARE = 0.75
TOLD_SECONDS = 2.0
JOB_SECONDS = 180.0
"""After which a job counts as lost."""
OPEN_SECONDS = 60.0


@dataclass
class Ended:
    """How jobs ended, and how late their clients heard of a death."""

    outcomes: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    """How often each job's result came."""
    late: list[float] = field(default_factory=list)
    killed_at: float = 0.0


@dataclass
class House:
    """The daemon that there is at this moment, and who stops it."""

    state: Path
    daemon: Daemon
    ended: Ended

    async def client(self) -> DaemonClient:
        async with asyncio.timeout(OPEN_SECONDS):
            while True:
                try:
                    return await DaemonClient.open_local(self.state)
                except NoDaemonError:
                    await asyncio.sleep(0.05)


async def measure(jobs: int = 500, seed: int = 0) -> dict[str, float]:
    """`chaos.*`: jobs by how they ended; `lost` ended in nothing, `duplicated` gave two results, `told_late` knew too late."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="cloakroom-chaos-") as folder:
        state = Path(folder) / "state"
        house = House(state, _spawn(state), Ended())
        over = asyncio.Event()
        killer = asyncio.create_task(_kill(house, chance, over))
        left = iter(range(jobs))
        try:
            await asyncio.gather(*(_work(house, left) for _ in range(CLIENTS)))
            over.set()
            kills = await killer
        finally:
            killer.cancel()
            end(house.daemon)
    ended = house.ended
    return {
        "chaos.jobs": jobs,
        "chaos.worker_kills": kills["worker"],
        "chaos.daemon_kills": kills["daemon"],
        **{f"chaos.{name}": ended.outcomes[name] for name in ("done", "retried", "failed", "lost")},
        "chaos.duplicated": sum(count > 1 for count in ended.results.values()),
        "chaos.told_seconds": max(ended.late, default=0.0),
        "chaos.told_late": sum(seconds > TOLD_SECONDS for seconds in ended.late),
    }


def _spawn(state: Path) -> Daemon:
    return spawn(state, "--unread", "--seconds", str(SECONDS), module="tests.benchmarks.daemon.untouched")


async def _kill(house: House, chance: random.Random, over: asyncio.Event) -> Counter[str]:
    kills: Counter[str] = Counter()
    while not over.is_set():
        await asyncio.sleep(chance.uniform(*KILL_AFTER))
        worker = house.daemon.worker()
        if chance.random() < WORKER_SHARE:
            # Between two lives there is none to kill.
            if worker is not None:
                worker.send_signal(signal.SIGKILL)
                kills["worker"] += 1
        else:
            house.ended.killed_at = time.monotonic()
            house.daemon.process.kill()
            await asyncio.to_thread(house.daemon.process.wait)
            assert house.daemon.process.stdout is not None
            house.daemon.process.stdout.close()
            house.daemon = await asyncio.to_thread(_spawn, house.state)
            kills["daemon"] += 1
        say(f"killed {dict(kills)}; {dict(house.ended.outcomes)}")
    return kills


async def _work(house: House, left: Iterator[int]) -> None:
    client = await house.client()
    for number in left:
        client = await _one(house, client, number)
    await client.close()


async def _one(house: House, client: DaemonClient, number: int) -> DaemonClient:
    """One job to its end, by whatever way it takes; the connection that there is then."""
    job = secrets.token_hex(16)
    width = 40 + number % 30
    photo = saved(astronaut(width, 30), "PNG")
    ended, begun_again = house.ended, False
    known = False
    until = time.monotonic() + JOB_SECONDS
    while time.monotonic() < until:
        try:
            result = await (client.fetch(job) if known else client.protect(photo, POLICY, name="a.png", job=job))
        except NoDaemonError:
            ended.late.append(time.monotonic() - house.ended.killed_at)
            client = await house.client()
            known = begun_again = True
        except CloakroomError as problem:
            if problem.code == "unknown-job":
                known = False
            elif problem.code == "busy":
                await asyncio.sleep(0.2)
            else:
                ended.outcomes["failed"] += 1
                return client
        else:
            _count(ended, job, result, width, begun_again)
            return client
    ended.outcomes["lost"] += 1
    return client


def _count(ended: Ended, job: str, result: Protected, width: int, begun_again: bool) -> None:
    # Another job's photo has another width, but for one in thirty.
    ended.outcomes["lost" if opened(result.data).width != width else "retried" if begun_again else "done"] += 1
    ended.results[job] += 1
