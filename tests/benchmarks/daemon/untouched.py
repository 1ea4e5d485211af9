"""A daemon that is the real one in all but its models: its worker is shut in, decodes, encodes and answers as ever, and cloaks
nothing. What is left is whatever a hostile file or a death can do harm to, at a hundred times the speed.

python -m tests.benchmarks.daemon.untouched --port 0 --state FOLDER --json [--seconds N] [--pixels N] [--unread]
"""

import argparse
import asyncio
import contextlib
import time
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from daemon.wire.pipe import Done, Line, Ready, Step, Work
from daemon.wire.protocol import LIMITS, PolicyRequest
from daemon.wire.worker_settings import WorkerSettings
from daemon.worker import process
from tests.benchmarks.daemon.untouched_room import JUDGEMENT, STEPS, untouched_room
from tests.daemon.standing_in import serve

POLICY = PolicyRequest(protectors=("visual",), strength="balanced", sensitive=())
"""The policy that it is asked for: a protector from whose reports nothing is estimated."""

DRAIN_SECONDS = 5.0

FUZZED_PIXELS = 500_000
"""A fuzzer soon finds that headers of fifty million pixels take seconds; a lower bound leaves time for other files."""


def work(seconds: float, pixels: int, connection: Connection, settings: WorkerSettings) -> None:
    """The worker process."""
    walls = process.enter_jail(settings)
    # The jail is entered once: within it no limit can be set again.
    vars(process)["enter_jail"] = lambda settings: walls
    from daemon.worker import photo, self_check
    from protectors import cloak

    vars(photo)["LIMITS"] = msgspec.structs.replace(LIMITS, pixels=pixels)
    # It has no adversaries that a small photo could be cloaked against.
    self_check.check = lambda room: None
    vars(cloak)["Cloakroom"] = untouched_room(seconds)
    process.main(connection, settings)


def return_photos(seconds: float, connection: Connection, settings: WorkerSettings) -> None:
    """A worker process that does not read what it is given: it is there again at once, where one with torch takes seconds."""
    process.enter_jail(settings)
    line = Line(connection)
    with contextlib.suppress(EOFError, OSError):
        line.send(Ready(device="cpu", models="embedded", protectors=("visual",), classes=()))
        while True:
            message, data = line.receive_work()
            if isinstance(message, Work):
                for step in range(STEPS):
                    line.send(Step(job=message.job, stage="visual", done=step, total=STEPS))
                    time.sleep(seconds / STEPS)
                done = Done(job=message.job, mime="image/png", size=len(data), report=JUDGEMENT.as_json())
                line.send(done, data)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=0.0, help="that every photo takes")
    parser.add_argument("--pixels", type=int, default=LIMITS.pixels, help="that a photo may have (%(default)s)")
    parser.add_argument("--unread", action="store_true", help="give photos back without reading them")
    options = parser.parse_args()
    entry = partial(return_photos, options.seconds) if options.unread else partial(work, options.seconds, options.pixels)
    asyncio.run(serve(options.state, options.port, entry, DRAIN_SECONDS))


if __name__ == "__main__":
    main()
