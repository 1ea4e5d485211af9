"""The bounds of what the worker takes and gives, on its own pipe."""

import multiprocessing
import threading
from collections.abc import Generator, Iterator
from typing import Any, cast

import numpy as np
import pytest

from daemon import photo, worker
from daemon.errors import CloakroomError
from daemon.pipe import Done, Line, Work
from daemon.protocol import LIMITS
from protectors.cloak import Cloakroom
from tests.daemon.conftest import POLICY
from tests.daemon.samples import Pixels, grey_png


class Noise:
    """Turns every photo into the one thing that no PNG can make smaller. Only what it computes is not real."""

    device, model_set = "cpu", "embedded"

    def cloak(self, pixels: Pixels, _: object) -> Generator[Any, None, Pixels]:
        yield from ()
        return np.random.default_rng(0).integers(0, 256, pixels.shape, dtype=np.uint8)

    def judge(self, *_: object) -> dict[str, Any]:
        return {"protected": True}


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


def cloaked(line: Line, data: bytes) -> tuple[Done, bytes]:
    work = Work(job="client/job", policy=POLICY, size=len(data))
    return worker.cloak_file(line, worker.Inbox(line), cast(Cloakroom, Noise()), work, data)


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
