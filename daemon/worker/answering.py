"""The work of a worker in its jail: it loads the models, checks itself and answers one photo after the other.

It imports torch, Pillow and protectors, and so is itself imported inside the jail.
"""

import os
from contextlib import closing

from daemon.wire.errors import CloakroomError
from daemon.wire.exit_status import CANNOT_CLOAK, DEVICE_LOST
from daemon.wire.pipe import Done, Failed, Line, Step, Work
from daemon.wire.worker_settings import WorkerSettings
from daemon.worker import self_check
from daemon.worker.card_faults import is_card_unusable, is_device_lost
from daemon.worker.cloaking import Errand, cloak_file
from daemon.worker.failing import failure_of, log, place_of
from daemon.worker.inbox import Inbox
from protectors.cloak import Cloakroom


def loaded(settings: WorkerSettings) -> Cloakroom:
    """Load the adversaries. Ends this process where its graphics card cannot take them: the supervisor goes on without it."""
    try:
        return Cloakroom(settings.device, settings.model_folder).limited_to(settings.seconds)
    except Exception as problem:
        if settings.device == "cpu" or not is_card_unusable(problem):
            raise
        # Another program fills it, or it is broken.
        log.warning("the graphics card cannot be used: %s", type(problem).__name__)
        os._exit(DEVICE_LOST)


def check_itself(room: Cloakroom) -> None:
    """Cloak a photo before being ready; a worker that cannot ends, and the supervisor knows why."""
    try:
        self_check.check(room)
    except Exception as problem:
        log.error("the self-check failed: %s at %s", type(problem).__name__, place_of(problem))
        os._exit(DEVICE_LOST if is_device_lost(problem) else CANNOT_CLOAK)


def answer(line: Line, inbox: Inbox, room: Cloakroom, work: Work, data: bytes, settings: WorkerSettings) -> None:
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


def cloak(line: Line, inbox: Inbox, room: Cloakroom, work: Work, data: bytes, settings: WorkerSettings) -> tuple[Done, bytes]:
    """Cloak one photo, tell the front process how far it is, and give up between two steps if that asks for it.

    Raises:
        CloakroomError: by name, whatever a file or a person can cause.
    """
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
