"""The worker process: what becomes of a job on its own pipe, and of a card that cannot be used."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
import torch

from daemon.wire.errors import CloakroomError
from daemon.wire.exit_status import DEVICE_LOST
from daemon.wire.pipe import Line, Step, Stop, Work
from daemon.wire.worker_settings import WorkerSettings
from daemon.worker import answering
from daemon.worker.inbox import Inbox
from protectors.cloak import Cloakroom
from tests.daemon.conftest import POLICY
from tests.daemon.samples import grey_png
from tests.daemon.worker.noise import Noise

PHOTO = grey_png(np.zeros((20, 20), np.uint8), 8)
WORK = Work(job="client/job", policy=POLICY, size=len(PHOTO), channel=None)


@pytest.fixture
def ends() -> Iterator[tuple[Line, Line]]:
    """The front's end of a pipe, and the worker's."""
    ours, theirs = (Line(end) for end in multiprocessing.Pipe())
    yield ours, theirs
    ours.close()
    theirs.close()


def test_a_job_tells_how_far_it_is_and_ends_with_the_file(ends: tuple[Line, Line]) -> None:
    front, worker = ends
    done, body = answering.cloak(worker, Inbox(worker), cast(Cloakroom, Noise()), WORK, PHOTO, WorkerSettings())
    assert (done.job, done.size, done.mime) == (WORK.job, len(body), "image/png")
    assert set(done.report["seconds"]) == {"decode", "protect", "encode", "judge", "total"}
    stages = []
    for _ in range(4):
        said, _ = front.receive_report()
        assert isinstance(said, Step)
        stages.append(said.stage)
    # A grey file of noise is too large, so that the next one is made.
    assert stages == ["decode", "encode", "encode", "judge"]


def test_a_job_that_the_front_gave_up_ends_by_that_name(ends: tuple[Line, Line], monkeypatch: pytest.MonkeyPatch) -> None:
    front, worker = ends
    inbox = Inbox(worker)
    front.send(Stop(job=WORK.job))
    ended = threading.Event()
    monkeypatch.setattr(os, "_exit", lambda _: ended.set())
    reader = threading.Thread(target=inbox.fill)
    reader.start()
    while not inbox.is_stopped(WORK.job):
        pass
    with pytest.raises(CloakroomError, match="cancelled"):
        answering.cloak(worker, inbox, cast(Cloakroom, Noise()), WORK, PHOTO, WorkerSettings())
    assert not inbox.is_stopped("another")
    front.close()
    assert ended.wait(10)
    reader.join()


@pytest.mark.parametrize(
    ("problem", "is_unusable"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (torch.AcceleratorError("CUDA error: out of memory"), True),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("size mismatch for fc.weight"), False),
        (OSError("no such file"), False),
    ],
)
@pytest.mark.parametrize("device", ["auto", "cuda", "cpu"])
def test_a_card_that_is_full_at_the_start_ends_the_worker_by_its_status(
    monkeypatch: pytest.MonkeyPatch, problem: Exception, is_unusable: bool, device: str
) -> None:
    """The supervisor goes on without the card then; any other fault is a fault."""

    def full(*_: object) -> Cloakroom:
        raise problem

    monkeypatch.setattr(answering, "Cloakroom", full)
    monkeypatch.setattr(os, "_exit", sys.exit)
    if is_unusable and device != "cpu":
        with pytest.raises(SystemExit) as ended:
            answering.loaded(WorkerSettings(device=device))
        assert ended.value.code == DEVICE_LOST
    else:
        with pytest.raises(type(problem), match=str(problem)):
            answering.loaded(WorkerSettings(device=device))
