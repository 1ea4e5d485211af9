"""The installed front, with a worker that stamps photos instead of cloaking them, as late as it is told.

Which way a photo takes through a browser does not depend on what is done to it. Run by the path of this file, it imports the
daemon that is installed in its environment, and nothing of the tests.

python program.py --state DIR [--port N] [--as-is]
"""

import argparse
import asyncio
import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path as FilePath

from daemon.commands.console import when_signalled
from daemon.formats.containers import MIME, kind_of
from daemon.front.server import Server, ServerSettings
from daemon.wire.errors import CloakroomError
from daemon.wire.pipe import Beat, Done, Failed, Line, Ready, Work
from daemon.wire.worker_settings import WorkerSettings
from daemon.worker import photo
from protectors.saving import Pixels

SIDE = 24
"""Pixels of the stamp, in the upper left corner."""

COLOUR = (255, 0, 255)
REPORT = {"protected": True, "psnr": 40.0, "verdicts": [], "seconds": {"total": 0.0}}

DELAY = "delay"
"""The file in the state folder that holds the seconds a photo takes."""

WORKS = "works"
"""The one that has a byte for every photo that came."""


def stamp(connection: Connection, settings: WorkerSettings) -> None:
    """The worker process."""
    _work(connection, settings, _answer)


def give_back(connection: Connection, settings: WorkerSettings) -> None:
    """The worker process that leaves photos as they are."""
    _work(connection, settings, _return)


def _work(
    connection: Connection, settings: WorkerSettings, answer: Callable[[Line, WorkerSettings, Work, bytes], None]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = Line(connection)
    threading.Thread(target=_beat, args=(line,), daemon=True).start()
    line.send(Ready(device="cpu", models="embedded", protectors=("objects", "search", "scene"), classes=("person",)))
    try:
        while True:
            work, data = line.receive_work()
            if isinstance(work, Work):
                answer(line, settings, work, data)
    except (EOFError, OSError):
        return


def _beat(line: Line) -> None:
    try:
        while True:
            line.send(Beat())
            time.sleep(0.5)
    except OSError:
        return


def _answer(line: Line, settings: WorkerSettings, work: Work, data: bytes) -> None:
    assert settings.model_folder is not None
    delay = settings.model_folder / DELAY
    seconds = float(delay.read_text()) if delay.exists() else 0
    # Counted once its time is settled: whoever sees the count may change the time of the next.
    with (settings.model_folder / WORKS).open("ab") as works:
        works.write(b".")
    time.sleep(seconds)
    try:
        original = photo.decode(data)
    except CloakroomError as problem:
        line.send(Failed(job=work.job, code=problem.code, sentence=problem.sentence))
        return
    encoded = photo.encode(original, _stamped(original.pixels))
    line.send(Done(job=work.job, mime=MIME[original.kind], size=len(encoded), report=REPORT), encoded)


def _return(line: Line, settings: WorkerSettings, work: Work, data: bytes) -> None:
    line.send(Done(job=work.job, mime=MIME[kind_of(data)], size=len(data), report=REPORT), data)


def _stamped(pixels: Pixels) -> Pixels:
    stamped = pixels.copy()
    stamped[:SIDE, :SIDE] = COLOUR
    return stamped


async def serve(state: FilePath, port: int, entry: Callable[[Connection, WorkerSettings], None]) -> None:
    """Say as JSON where it listens, and serve until SIGINT or SIGTERM."""
    server = Server(ServerSettings(state=state, port=port, worker=WorkerSettings(model_folder=state), entry=entry))
    stop = asyncio.Event()
    when_signalled(stop.set, signal.SIGINT, signal.SIGTERM)
    await server.start()
    try:
        sys.stdout.write(json.dumps({"port": server.port}) + "\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await server.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--state", type=FilePath, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--as-is", action="store_true", help="give photos back as they came")
    options = parser.parse_args()
    asyncio.run(serve(options.state, options.port, give_back if options.as_is else stamp))
    return 0


if __name__ == "__main__":
    sys.exit(main())
