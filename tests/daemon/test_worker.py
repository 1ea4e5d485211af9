"""The bounds of what the worker takes and gives, on its own pipe."""

import io
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image

from daemon import photo, worker
from daemon.errors import CloakroomError
from daemon.pipe import Done, Line, Work
from daemon.protocol import LIMITS
from protectors import cloak
from protectors.channel.pipeline import Pipeline
from protectors.cloak import Cloakroom
from protectors.judging.judgement import Judgement
from tests.daemon.conftest import POLICY
from tests.daemon.judgements import judgement
from tests.daemon.samples import Pixels, grey_png


class Noise:
    """Turns every photo into the one thing that no PNG can make smaller, and judges it. Only what it computes is not real."""

    device, model_set = "cpu", "embedded"
    original: Pixels
    judged_for: Pipeline | None = None
    saved: Sequence[Callable[[Pixels], Pixels | None]]

    def judge(self, _: object, original: Pixels) -> "Noise":
        self.original = original
        return self

    def cloak(
        self, judge: "Noise", _: int | None, saved: Sequence[Callable[[Pixels], Pixels | None]]
    ) -> Generator[Any, None, Pixels]:
        yield from ()
        self.saved = saved
        return np.random.default_rng(0).integers(0, 256, judge.original.shape, dtype=np.uint8)

    def judgement(self, delivered: Pixels, channel: Pipeline | None) -> Judgement:
        self.judged_for = channel
        return judgement()


@pytest.fixture
def line() -> Iterator[Line]:
    """The worker's end of a pipe; what it says is heard, and no matter."""
    ours, theirs = multiprocessing.Pipe()

    def drain() -> None:
        try:
            while True:
                ours.recv_bytes()
        except EOFError:
            pass

    listener = threading.Thread(target=drain)
    listener.start()
    opened = Line(theirs)
    yield opened
    opened.close()
    listener.join()
    ours.close()


def cloaked(line: Line, data: bytes, room: Noise | None = None, channel: str | None = None) -> tuple[Done, bytes]:
    work = Work(job="client/job", policy=POLICY, size=len(data), channel=channel)
    return worker.cloak_file(line, worker.Inbox(line), cast(Cloakroom, room or Noise()), work, data)


@pytest.mark.parametrize(("channel", "quality"), [("instagram", 75), ("nowhere", None), (None, None)])
def test_a_photo_is_judged_for_the_site_that_it_goes_to(line: Line, channel: str | None, quality: int | None) -> None:
    room = Noise()
    cloaked(line, grey_png(np.zeros((20, 20), np.uint8), 8), room, channel)
    assert (room.judged_for.quality if room.judged_for else None) == quality


def test_the_protectors_ask_the_very_file_that_will_be_delivered(line: Line) -> None:
    room = Noise()
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(stream, "JPEG", quality=60)
    _, result = cloaked(line, stream.getvalue(), room)
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    arrived = [way(noise) for way in room.saved]
    assert any(own is not None and np.array_equal(own, photo.decode(result).pixels) for own in arrived)


def test_a_result_may_be_larger_than_what_may_be_sent(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lossless file of noise is larger than the flat one that came in: here beyond the bound, which is made small for it."""
    monkeypatch.setattr(LIMITS, "bytes", 50_000)
    data = grey_png(np.zeros((200, 200), np.uint8), 8)
    done, result = cloaked(line, data)
    assert len(data) < LIMITS.bytes < len(result) == done.size
    assert photo.decode(result).pixels.std() > 50


def test_a_photo_beyond_the_bound_is_named_before_it_is_decoded(line: Line) -> None:
    with pytest.raises(CloakroomError, match="too-large"):
        cloaked(line, bytes(LIMITS.bytes + 1))
    with pytest.raises(CloakroomError, match="not-an-image"):
        cloaked(line, bytes(LIMITS.bytes))


def test_a_photo_that_the_memory_has_no_room_for_is_refused_by_name(line: Line) -> None:
    """Rather than tried, which would end in the worker's death, twice."""
    data = grey_png(np.zeros((100, 200), np.uint8), 8)
    work = Work(job="client/job", policy=POLICY, size=len(data), channel=None)
    room = cast(Cloakroom, Noise())
    enough = worker.memory_for(100 * 200)
    worker.cloak_file(line, worker.Inbox(line), room, work, data, memory=enough)
    with pytest.raises(CloakroomError, match="too-many-pixels") as refused:
        worker.cloak_file(line, worker.Inbox(line), room, work, data, memory=enough - 1)
    assert "memory" in refused.value.sentence


def test_every_photo_that_is_allowed_has_room_where_the_machine_has_enough() -> None:
    assert 8_000_000_000 < worker.memory_for(LIMITS.pixels) < 16 * 1024**3


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

    monkeypatch.setattr(cloak, "Cloakroom", full)
    monkeypatch.setattr(os, "_exit", sys.exit)
    if is_unusable and device != "cpu":
        with pytest.raises(SystemExit) as ended:
            worker.loaded(worker.WorkerSettings(device=device))
        assert ended.value.code == worker.DEVICE_LOST
    else:
        with pytest.raises(type(problem), match=str(problem)):
            worker.loaded(worker.WorkerSettings(device=device))
