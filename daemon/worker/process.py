"""The worker process: takes one photo at a time, says how far it is, and can be killed at any time.

Imports of torch, Pillow and protectors stand inside functions, because the front process imports this module to name
`main`, and must stay light.
"""

import contextlib
import os
import signal
import threading
import time
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import daemon
from daemon.wire.errors import CloakroomError
from daemon.wire.exit_status import CANNOT_CLOAK, DEVICE_LOST
from daemon.wire.pipe import Beat, Done, Failed, Line, Ready, Step, Work
from daemon.wire.worker_settings import WorkerSettings
from daemon.worker import jail
from daemon.worker.device_memory import DeviceMemory
from daemon.worker.failing import failure_of, is_card_unusable, is_device_lost, log, place_of
from daemon.worker.inbox import Inbox
from daemon.worker.priority import step_back

if TYPE_CHECKING:
    from protectors.cloak import Cloakroom

BEAT_SECONDS = 1.0


def main(connection: Connection, settings: WorkerSettings) -> None:
    """Work until the front process goes away."""
    # Ctrl+C in a terminal reaches the whole group; the front decides when the worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    step_back()
    jail.leave_terminal(settings.errors.fileno() if settings.errors else None)
    walls = enter_jail(settings)
    line = Line(connection)
    inbox = Inbox(line)
    memory = DeviceMemory()
    is_busy = threading.Event()
    is_busy.set()
    threading.Thread(target=_beat, args=(line, is_busy, memory), daemon=True).start()
    threading.Thread(target=inbox.fill, daemon=True).start()

    # Threads that wait would otherwise spin, and on a busy machine keep from their cores those that they wait for.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    if settings.threads:
        torch.set_num_threads(settings.threads)
    room = loaded(settings)
    memory.watch(room.device)
    _check_itself(room)
    line.send(Ready(room.device, room.model_set, tuple(room.protectors), tuple(room.classes), walls))
    while True:
        is_busy.clear()
        work, data = inbox.take()
        is_busy.set()
        _answer(line, inbox, room, work, data, settings)


def loaded(settings: WorkerSettings) -> "Cloakroom":
    """Load the adversaries. Ends this process where its graphics card cannot take them: the supervisor goes on without it."""
    from protectors.cloak import Cloakroom

    try:
        return Cloakroom(settings.device, settings.model_folder)
    except Exception as problem:
        if settings.device == "cpu" or not is_card_unusable(problem):
            raise
        # Another program fills it, or it is broken.
        log.warning("the graphics card cannot be used: %s", type(problem).__name__)
        os._exit(DEVICE_LOST)


def _check_itself(room: "Cloakroom") -> None:
    """Cloak a photo before being ready; a worker that cannot ends, and the supervisor knows why."""
    from daemon.worker import self_check

    try:
        self_check.check(room)
    except Exception as problem:
        log.error("the self-check failed: %s at %s", type(problem).__name__, place_of(problem))
        os._exit(DEVICE_LOST if is_device_lost(problem) else CANNOT_CLOAK)


def enter_jail(settings: WorkerSettings) -> tuple[str, ...]:
    """Shut this process in, before any thread begins, and before anything that reads a photo is imported."""
    package = Path(daemon.__file__).parent
    folders = [package, package.parent / "protectors"]
    if settings.model_folder is not None:
        folders.append(settings.model_folder)
    return jail.enter(folders, settings.memory)


def _beat(line: Line, is_busy: threading.Event, memory: DeviceMemory) -> None:
    """Send a sign of life every second, only while there is something to do: whoever rests shall not wake the machine."""
    with contextlib.suppress(OSError):
        while is_busy.wait():
            line.send(Beat(memory.bytes()))
            time.sleep(BEAT_SECONDS)


def _answer(line: Line, inbox: Inbox, room: "Cloakroom", work: Work, data: bytes, settings: WorkerSettings) -> None:
    """Send the cloaked photo, or why there is none."""
    try:
        done, body = cloak(line, inbox, room, work, data, settings)
    except CloakroomError as problem:
        line.send(Failed(job=work.job, code=problem.code, sentence=problem.sentence))
    except (EOFError, BrokenPipeError):
        raise
    except Exception as problem:
        if is_device_lost(problem):
            # Nothing can be computed on it any more in this process. The supervisor knows what this status means.
            os._exit(DEVICE_LOST)
        line.send(failure_of(work.job, problem))
    else:
        line.send(done, body)


def cloak(line: Line, inbox: Inbox, room: "Cloakroom", work: Work, data: bytes, settings: WorkerSettings) -> tuple[Done, bytes]:
    """Cloak one photo, tell the front process how far it is, and give up between two steps if that wants it.

    Raises:
        CloakroomError: by name, whatever a file or a person can cause.
    """
    from daemon.worker.cloaking import Errand, cloak_file

    errand = Errand(data, work.policy, work.channel)
    with closing(cloak_file(room, errand, settings.seed, settings.held)) as walk:
        while not inbox.is_stopped(work.job):
            try:
                progress = next(walk)
            except StopIteration as end:
                made = end.value
                return Done(job=work.job, mime=made.mime, size=len(made.data), report=made.report), made.data
            line.send(Step(job=work.job, stage=progress.stage, done=progress.done, total=progress.total))
    raise CloakroomError("cancelled")
