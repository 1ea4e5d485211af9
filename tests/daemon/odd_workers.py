"""Worker processes that misbehave on purpose. Real processes on the real pipe; only what they compute is not real."""

import contextlib
import itertools
import os
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

from daemon.wire.exit_status import CANNOT_CLOAK, DEVICE_LOST
from daemon.wire.pipe import Beat, Done, Failed, Line, Ready, Step, Stop, Work
from daemon.wire.worker_settings import WorkerSettings
from tests.daemon.judgements import report

READY = Ready(device="cpu", models="embedded", protectors=("objects", "scene"), classes=("person",))


def _beat(line: Line) -> None:
    with contextlib.suppress(OSError):
        while True:
            line.send(Beat())
            time.sleep(0.1)


def _begin(connection: Connection, beating: bool = True) -> Line:
    line = Line(connection)
    if beating:
        threading.Thread(target=_beat, args=(line,), daemon=True).start()
    line.send(READY)
    return line


def _done(work: Work, size: int, **facts: Any) -> Done:
    return Done(job=work.job, mime="image/png", size=size, report={"protected": True, **facts})


def _next_work(line: Line) -> tuple[Work, bytes]:
    while True:
        message, body = line.receive_work()
        if isinstance(message, Work):
            return message, body


def cannot_cloak(connection: Connection, _: WorkerSettings) -> None:
    """Loads its models, and does not pass its self-check."""
    os._exit(CANNOT_CLOAK)


def echo(connection: Connection, _: WorkerSettings) -> None:
    """Sends every photo back as it came."""
    line = _begin(connection)
    with contextlib.suppress(EOFError):
        while True:
            work, body = _next_work(line)
            line.send(Step(job=work.job, stage="objects", done=1, total=2))
            line.send(_done(work, len(body)), body)


def timed(connection: Connection, _: WorkerSettings) -> None:
    """Sends every photo back, with what it took: some of it true, some made up. Says that it has a graphics card."""
    line = Line(connection)
    line.send(READY)
    line.send(Beat(device_memory=123_456_789))
    seconds = {"decode": 0.2, "protect": 3, "judge": "anna-and-ben", "anna-and-ben": 1.0, "total": 3.2}
    with contextlib.suppress(EOFError):
        while True:
            work, body = _next_work(line)
            line.send(_done(work, len(body), seconds=seconds), body)


def counted(connection: Connection, settings: WorkerSettings) -> None:
    """Sends every photo back, with a byte at its end that was not there; a file called `works` has a byte for each that came.

    Each takes as long as a file called `delay` says. What a photo says of itself decides: `damaged`, `recognised`.
    """
    assert settings.model_folder is not None
    delay = settings.model_folder / "delay"
    line = _begin(connection)
    with contextlib.suppress(EOFError):
        while True:
            work, body = _next_work(line)
            with (settings.model_folder / "works").open("ab") as works:
                works.write(b".")
            time.sleep(float(delay.read_text()) if delay.exists() else 0)
            if b"damaged" in body:
                line.send(Failed(job=work.job, code="truncated", sentence="damaged"))
            else:
                protected = b"recognised" not in body
                done = Done(job=work.job, mime="image/png", size=len(body) + 1, report=report(protected, 0.0))
                line.send(done, body + b"~")


def recognised(connection: Connection, _: WorkerSettings) -> None:
    """Sends every photo back, and says that an adversary still recognises something in it."""
    line = _begin(connection)
    with contextlib.suppress(EOFError):
        while True:
            work, body = _next_work(line)
            line.send(Done(job=work.job, mime="image/png", size=len(body), report=report(False)), body)


def slow(connection: Connection, settings: WorkerSettings) -> None:
    """Works until it is told to stop, or there is a file called `go` in its model folder."""
    assert settings.model_folder is not None
    go = settings.model_folder / "go"
    line = _begin(connection)
    stopped: set[str] = set()
    works: list[tuple[Work, bytes]] = []

    def read() -> None:
        try:
            while True:
                message, body = line.receive_work()
                if isinstance(message, Stop):
                    stopped.add(message.job)
                else:
                    works.append((message, body))
        except (EOFError, OSError):
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        if not works:
            time.sleep(0.01)
            continue
        work, body = works.pop(0)
        step = 0
        while work.job not in stopped and not go.exists():
            step += 1
            line.send(Step(job=work.job, stage="objects", done=step, total=step + 1))
            time.sleep(0.05)
        if work.job in stopped:
            line.send(Failed(job=work.job, code="cancelled", sentence="stopped"))
        else:
            line.send(_done(work, len(body)), body)


def late(connection: Connection, settings: WorkerSettings) -> None:
    """Is not ready before there is a file called `go`; says in its reports how many photos it was given."""
    assert settings.model_folder is not None
    while not (settings.model_folder / "go").exists():
        time.sleep(0.02)
    line = _begin(connection)
    with contextlib.suppress(EOFError):
        for given in itertools.count(1):
            work, body = _next_work(line)
            line.send(_done(work, len(body), given=given), body)


def dies(connection: Connection, _: WorkerSettings) -> None:
    """Dies of every photo."""
    line = _begin(connection)
    with contextlib.suppress(EOFError):
        _next_work(line)
        os._exit(9)


def dies_once(connection: Connection, settings: WorkerSettings) -> None:
    """Dies of the first photo that any of its lives sees; says in the report which life it is in."""
    assert settings.model_folder is not None
    marker = settings.model_folder / "died"
    line = _begin(connection)
    with contextlib.suppress(EOFError):
        while True:
            work, body = _next_work(line)
            if not marker.exists():
                marker.write_text("once")
                os._exit(9)
            line.send(_done(work, len(body), pid=os.getpid()), body)


def deaf(connection: Connection, _: WorkerSettings) -> None:
    """Beats, takes a photo, and then neither works nor listens."""
    line = _begin(connection)
    with contextlib.suppress(EOFError):
        _next_work(line)
        time.sleep(3600)


def silent(connection: Connection, _: WorkerSettings) -> None:
    """Never beats."""
    line = _begin(connection, beating=False)
    with contextlib.suppress(EOFError):
        _next_work(line)
        time.sleep(3600)


def greedy(connection: Connection, _: WorkerSettings) -> None:
    """Takes 400 MB for every photo."""
    line = _begin(connection)
    with contextlib.suppress(EOFError):
        _next_work(line)
        hoard = bytearray(os.urandom(1024)) * 400_000
        time.sleep(3600)
        del hoard


def stillborn(_: Connection, __: WorkerSettings) -> None:
    """Dies before it is ready."""
    os._exit(7)


def babbling(connection: Connection, _: WorkerSettings) -> None:
    """Answers a photo with what is no message, as a decoder that was taken over might."""
    line = _begin(connection)
    with contextlib.suppress(EOFError):
        _next_work(line)
        connection.send_bytes(b"\x80\x04cos\nsystem\n(S'touch /tmp/owned'\ntR.")
        time.sleep(3600)


def loses_its_card(connection: Connection, settings: WorkerSettings) -> None:
    """Ends as one whose graphics card is gone, unless it was told to do without."""
    line = _begin(connection)
    with contextlib.suppress(EOFError):
        while True:
            work, body = _next_work(line)
            if settings.device != "cpu":
                os._exit(DEVICE_LOST)
            line.send(_done(work, len(body)), body)


def finds_its_card_full(connection: Connection, settings: WorkerSettings) -> None:
    """Ends before it is ready, as one whose graphics card has no room, unless it was told to do without."""
    if settings.device != "cpu":
        os._exit(DEVICE_LOST)
    echo(connection, settings)
