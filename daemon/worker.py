"""The process that owns torch and Pillow: takes one photo at a time, says how far it is, and can be killed at any time.

Imports of torch, Pillow and protectors stand inside functions, because the front process imports this module to name
`main`, and must stay light.
"""

import contextlib
import hashlib
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon import jail
from daemon.containers import MIME
from daemon.device_memory import DeviceMemory
from daemon.errors import CloakroomError
from daemon.pipe import Beat, Done, Failed, Line, Ready, Step, Stop, Work
from daemon.priority import step_back
from daemon.protocol import LIMITS

if TYPE_CHECKING:
    from protectors.cloak import Cloakroom

log = logging.getLogger("cloakroom.worker")

BEAT_SECONDS = 1.0

DEVICE_LOST = 77
"""What a worker ends with whose graphics card is gone, or has no room for it."""

CARD_WORDS = ("CUDA", "CUBLAS", "CUDNN", "HIP ", "NVML", "out of memory")
"""In the errors of a card's libraries that have no type of their own."""

BASE_MEMORY = 750_000_000
PIXEL_MEMORY = 65
"""Bytes that the worker holds without a photo, and for each pixel of one. Measured: 8.53 GB at 120 megapixels."""

NO_ROOM = "The image is too large for the memory that Cloakroom may use on this machine. Save a smaller copy and pick that."

CANNOT_CLOAK = 78
"""Exit status of a worker that could not cloak the small photo of its self-check."""


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker is started with; it is pickled into the new process."""

    device: str = "auto"
    model_folder: Path | None = None
    threads: int | None = None
    seed: int | None = None
    """Makes what is drawn at random the same for the same photo. For measuring: who knows it can foretell the target."""
    memory: int | None = None
    """Bytes that it may hold, at the very most; the supervisor gives it up before."""
    held: int | None = None
    """Bytes of resident memory at which the supervisor gives it up."""
    errors: Connection | None = None
    """Where what it and its libraries write goes; the supervisor's, and only for a process that it spawns."""


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
    """The adversaries. Ends this process where its graphics card cannot take them: the supervisor goes on without it."""
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
    """Ready is only who has cloaked a photo; who cannot ends, and the supervisor knows why."""
    from daemon import self_check

    try:
        self_check.check(room)
    except Exception as problem:
        log.error("the self-check failed: %s at %s", type(problem).__name__, _place(problem))
        os._exit(DEVICE_LOST if is_device_lost(problem) else CANNOT_CLOAK)


def enter_jail(settings: WorkerSettings) -> tuple[str, ...]:
    """Before any thread begins, and before anything that reads a photo is imported."""
    package = Path(__file__).parent
    folders = [package, package.parent / "protectors"]
    if settings.model_folder is not None:
        folders.append(settings.model_folder)
    return jail.enter(folders, settings.memory)


def _beat(line: Line, is_busy: threading.Event, memory: DeviceMemory) -> None:
    """Only while there is something to do: whoever rests shall not wake the machine."""
    with contextlib.suppress(OSError):
        while is_busy.wait():
            line.send(Beat(memory.bytes()))
            time.sleep(BEAT_SECONDS)


class Inbox:
    """Reads the pipe in a thread of its own, so that a cancel is seen while torch computes."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._waiting: queue.SimpleQueue[tuple[Work, bytes]] = queue.SimpleQueue()
        self._stopped: str | None = None

    def fill(self) -> None:
        """Until the front process goes away; then this process ends at once, whatever it computes."""
        try:
            while True:
                message, body = self._line.receive_work()
                if isinstance(message, Stop):
                    self._stopped = message.job
                else:
                    self._waiting.put((message, body))
        except (EOFError, OSError):
            os._exit(0)

    def take(self) -> tuple[Work, bytes]:
        return self._waiting.get()

    def check(self, job: str) -> None:
        """Raises CloakroomError cancelled once the front gave the job up."""
        if self._stopped == job:
            raise CloakroomError("cancelled")


def _answer(line: Line, inbox: Inbox, room: "Cloakroom", work: Work, data: bytes, settings: WorkerSettings) -> None:
    try:
        done, body = cloak_file(line, inbox, room, work, data, settings.seed, settings.held)
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


def is_device_lost(problem: Exception) -> bool:
    """Whether a graphics card has failed, or was taken away; one that is merely full has not."""
    import torch

    if isinstance(problem, torch.OutOfMemoryError):
        return False
    return isinstance(problem, torch.AcceleratorError)


def is_card_unusable(problem: Exception) -> bool:
    """Whether it is a graphics card that keeps the models from being loaded: one that has failed, or whose memory is full."""
    import torch

    if isinstance(problem, torch.OutOfMemoryError | torch.AcceleratorError):
        return True
    return isinstance(problem, RuntimeError) and any(word in str(problem) for word in CARD_WORDS)


def failure_of(job: str, problem: Exception) -> Failed:
    """What is said and logged of a fault of our own."""
    # The text of an exception may quote what the person sent; its type and place do not.
    log.error("job failed: %s at %s", type(problem).__name__, _place(problem))
    failure = CloakroomError("internal")
    return Failed(job=job, code=failure.code, sentence=failure.sentence)


def _place(problem: BaseException) -> str:
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def memory_for(pixels: int) -> int:
    """Bytes that the worker holds at most for a photo of so many pixels, on the CPU."""
    return BASE_MEMORY + PIXEL_MEMORY * pixels


def cloak_file(
    line: Line,
    inbox: Inbox,
    room: "Cloakroom",
    work: Work,
    data: bytes,
    seed: int | None = None,
    memory: int | None = None,
) -> tuple[Done, bytes]:
    """Decode, cloak, encode, and judge the very bytes that will be delivered.

    Args:
        seed: makes what is drawn at random the same for the same photo.
        memory: bytes that this process may hold; what needs more is refused rather than tried.

    Raises:
        CloakroomError: by name, whatever a file or a person can cause.
    """
    from daemon import photo
    from daemon.delivery import deliverable, saved_as, size_limit, size_notes
    from protectors.channel.sites import known, largest_upload
    from protectors.policy import Policy

    try:
        policy = Policy(work.policy.protectors, work.policy.strength, work.policy.sensitive)
    except ValueError:
        raise CloakroomError("bad-request") from None
    watch = Stopwatch()
    drawn = None if seed is None else seed_of(seed, data)

    def begin(stage: str) -> None:
        inbox.check(work.job)
        line.send(Step(job=work.job, stage=stage, done=0, total=1))
        watch.start(stage)

    begin("decode")
    if len(data) > LIMITS.bytes:
        raise CloakroomError("too-large")
    original = photo.decode(data)
    if memory is not None and room.device == "cpu" and memory_for(original.width * original.height) > memory:
        raise CloakroomError("too-many-pixels", NO_ROOM)
    inbox.check(work.job)
    watch.start("protect")
    channel = known(work.channel)
    most = largest_upload(work.channel)
    limit = size_limit(len(data), most)
    ways = photo.encodings(original, limit)
    saved = [saved_as(way, limit if number < len(ways) else None) for number, way in enumerate(ways, 1)]
    try:
        judge = room.judge(policy, original.pixels)
    except ValueError:
        # A class or protector that these models do not know.
        raise CloakroomError("bad-request") from None
    cloaked = _run(line, inbox, work.job, room.cloak(judge, drawn, saved=saved))
    encoded, judgement = deliverable(ways, cloaked, limit, lambda delivered: judge.judgement(delivered, channel), begin)
    report = judgement.as_json() | {
        "width": original.width,
        "height": original.height,
        "mime": original.mime,
        "bytes_in": len(data),
        "bytes_out": len(encoded),
        "seconds": watch.stop(),
        "device": room.device,
        "models": room.model_set,
        "notes": [*original.notes, *size_notes(len(data), len(encoded), most)],
    }
    return Done(job=work.job, mime=MIME[original.kind], size=len(encoded), report=report), encoded


def seed_of(seed: int, data: bytes) -> int:
    """A photo's own seed, whichever worker has it and whatever came before: 63 bits, as torch takes them."""
    return int.from_bytes(hashlib.sha256(f"{seed}\n".encode() + data).digest()[:8]) >> 1


def _run(line: Line, inbox: Inbox, job: str, steps: Generator[Any, None, Any]) -> Any:
    """Drive the optimisation; between two steps a cancel ends it."""
    try:
        while True:
            try:
                progress = next(steps)
            except StopIteration as end:
                return end.value
            except ValueError:
                # Classes that cannot be hidden together.
                raise CloakroomError("bad-request") from None
            line.send(Step(job=job, stage=progress.stage, done=progress.done, total=progress.total))
            inbox.check(job)
    finally:
        steps.close()


class Stopwatch:
    """Seconds by stage."""

    def __init__(self) -> None:
        self._begun = self._last = time.perf_counter()
        self._stage: str | None = None
        self._seconds: dict[str, float] = {}

    def start(self, stage: str) -> None:
        """End the stage before and begin this one, or go on with it."""
        now = time.perf_counter()
        if self._stage is not None:
            spent = self._seconds.get(self._stage, 0.0) + now - self._last
            self._seconds[self._stage] = round(spent, 4)
        self._stage, self._last = stage, now

    def stop(self) -> dict[str, float]:
        self.start("")
        return {**self._seconds, "total": round(self._last - self._begun, 4)}
