"""The walk of one photo: its bounds, what is judged, and that it can be left at any step."""

import io
from collections.abc import Generator, Sequence
from typing import cast

import numpy as np
import pytest
from PIL import Image

from daemon.wire.errors import CloakroomError
from daemon.wire.protocol import LIMITS
from daemon.worker import photo
from daemon.worker.cloaking import CloakedFile, Errand, cloak_file, memory_for
from protectors.cloak import Cloaked, Cloakroom
from protectors.progress import Progress, end_of
from protectors.saving import Save
from tests.daemon.conftest import POLICY
from tests.daemon.samples import grey_png
from tests.daemon.worker.noise import Noise


def cloaked(data: bytes, room: Noise | None = None, channel: str | None = None) -> CloakedFile:
    return end_of(cloak_file(cast(Cloakroom, room or Noise()), Errand(data, POLICY, channel)))


@pytest.mark.parametrize(("channel", "quality"), [("instagram", 75), ("nowhere", None), (None, None)])
def test_a_photo_is_judged_for_the_site_that_it_goes_to(channel: str | None, quality: int | None) -> None:
    room = Noise()
    cloaked(grey_png(np.zeros((20, 20), np.uint8), 8), room, channel)
    assert (room.judged_for.quality if room.judged_for else None) == quality


def test_the_protectors_ask_the_very_file_that_will_be_delivered() -> None:
    room = Noise()
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(stream, "JPEG", quality=60)
    result = cloaked(stream.getvalue(), room).data
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    files = [save(noise) for save in room.saves]
    assert any(file is not None and file.data == result for file in files)


def test_a_result_may_be_larger_than_what_may_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lossless file of noise is larger than the flat one that came in: here beyond the bound, which is made small for it."""
    monkeypatch.setattr(LIMITS, "bytes", 50_000)
    data = grey_png(np.zeros((200, 200), np.uint8), 8)
    made = cloaked(data)
    assert len(data) < LIMITS.bytes < len(made.data) == made.report["bytes_out"]
    assert photo.decode(made.data).pixels.std() > 50


def test_a_photo_beyond_the_bound_is_named_before_it_is_decoded() -> None:
    with pytest.raises(CloakroomError, match="too-large"):
        cloaked(bytes(LIMITS.bytes + 1))
    with pytest.raises(CloakroomError, match="not-an-image"):
        cloaked(bytes(LIMITS.bytes))


def test_a_photo_that_the_memory_has_no_room_for_is_refused_by_name() -> None:
    """Rather than tried, which would end in the worker's death, twice."""
    data = grey_png(np.zeros((100, 200), np.uint8), 8)
    room, errand = cast(Cloakroom, Noise()), Errand(data, POLICY)
    enough = memory_for(100 * 200)
    end_of(cloak_file(room, errand, memory=enough))
    with pytest.raises(CloakroomError, match="too-many-pixels") as refused:
        end_of(cloak_file(room, errand, memory=enough - 1))
    assert "memory" in refused.value.sentence


def test_every_photo_that_is_allowed_has_room_where_the_machine_has_enough() -> None:
    assert 8_000_000_000 < memory_for(LIMITS.pixels) < 16 * 1024**3


def test_closing_the_walk_leaves_the_cloak() -> None:
    left: list[bool] = []

    class Slow(Noise):
        def cloak(self, judge: Noise, _: int | None, saves: Sequence[Save]) -> Generator[Progress, None, Cloaked]:
            try:
                while True:
                    yield Progress("objects", 1, 2)
            finally:
                left.append(True)

    walk = cloak_file(cast(Cloakroom, Slow()), Errand(grey_png(np.zeros((20, 20), np.uint8), 8), POLICY))
    assert [next(walk).stage for _ in range(3)] == ["decode", "objects", "objects"]
    walk.close()
    assert left == [True]
