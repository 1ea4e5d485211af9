"""The worker process: takes one photo at a time, says how far it is, and can be killed at any time.

What imports torch, Pillow and protectors is imported inside `main`, in the jail; whoever starts a worker imports this module
to name `main`, and stays light.
"""

import contextlib
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import daemon
from daemon.wire.pipe import Beat, Line, Ready
from daemon.wire.worker_settings import WorkerSettings
from daemon.worker import jail
from daemon.worker.allocator import keep_one_arena
from daemon.worker.device_memory import DeviceMemory
from daemon.worker.inbox import Inbox
from daemon.worker.priority import step_back

BEAT_SECONDS = 1.0


def main(connection: Connection, settings: WorkerSettings) -> None:
    """Work until the front process goes away."""
    # Ctrl+C in a terminal reaches the whole group; the front decides when the worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    step_back()
    keep_one_arena()
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

    from daemon.worker import answering

    if settings.threads:
        torch.set_num_threads(settings.threads)
    room = answering.loaded(settings)
    memory.watch(room.device)
    answering.check_itself(room)
    line.send(Ready(room.device, room.model_set, tuple(room.protectors), tuple(room.classes), walls))
    while True:
        is_busy.clear()
        work, data = inbox.take()
        is_busy.set()
        answering.answer(line, inbox, room, work, data, settings)


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
