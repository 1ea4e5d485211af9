"""Fetching against a real web server: cut off, killed, resumed, and never anything but the promised bytes."""

import asyncio
import errno
import hashlib
import os
import random
from collections import namedtuple
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from daemon.models import partial
from daemon.models.fetching import FetchError, fetch
from daemon.models.partial import Part, halves
from daemon.models.store import ModelError, pull
from tests.benchmarks.daemon.fetch import flipped, kill_and_resume, offered
from tests.daemon.models.range_server import RangeServer, range_server

DATA = random.Random(6).randbytes(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
PATH = "/models/small.bin"


@pytest.fixture
async def server() -> AsyncIterator[RangeServer]:
    async with range_server() as started:
        started.files[PATH] = DATA
        yield started


@pytest.fixture
async def other() -> AsyncIterator[RangeServer]:
    async with range_server() as started:
        started.files[PATH] = DATA
        yield started


def part_in(folder: Path, size: int = 0, source: str = "", validator: str = "") -> Part:
    """A part of DATA as an earlier fetch left it."""
    part = Part(folder, "small", SHA256, len(DATA))
    if size:
        part.coming_from(source, validator)
        with part.appending() as file:
            file.write(DATA[:size])
    return Part(folder, "small", SHA256, len(DATA))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def fetched(part: Part, *sources: str, is_offline: bool = False) -> bytes:
    """In a thread, because the server is run by this one."""
    path = await asyncio.to_thread(
        fetch, part, [f"{source}{PATH}" for source in sources], lambda *_: None, is_offline=is_offline
    )
    return path.read_bytes()


async def test_the_whole_file_in_one_go(server: RangeServer, tmp_path: Path) -> None:
    part = part_in(tmp_path)
    assert await fetched(part, server.url) == DATA
    assert server.ranges == [None]
    assert part.path.stat().st_mode & 0o077 == 0
    part.remove()
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("validator", ["ETag", "Last-Modified", ""])
async def test_it_goes_on_where_the_connection_broke(server: RangeServer, tmp_path: Path, validator: str) -> None:
    server.validator = validator
    server.breaks = [100_000]
    part = part_in(tmp_path)
    with pytest.raises(FetchError, match="goes on where it stopped"):
        await fetched(part, server.url)
    assert part.size == 100_000
    server.log.clear()
    server.breaks = []
    assert await fetched(part_in(tmp_path), server.url) == DATA
    (asked,) = server.log
    assert (asked.range, asked.status, asked.sent) == ("bytes=100000-", 206, 200_000)
    assert bool(asked.if_range) == bool(validator)


async def test_a_connection_that_breaks_is_tried_again_as_long_as_that_helps(server: RangeServer, tmp_path: Path) -> None:
    server.breaks = [60_000, 120_000, 180_000, None]
    assert await fetched(part_in(tmp_path), server.url) == DATA
    assert server.ranges == [None, "bytes=60000-", "bytes=120000-", "bytes=180000-"]


async def test_a_file_that_changed_meanwhile_is_begun_anew(server: RangeServer, tmp_path: Path) -> None:
    part = part_in(tmp_path, 50_000, f"{server.url}{PATH}", '"an older state"')
    assert await fetched(part, server.url) == DATA
    (asked,) = server.log
    assert (asked.range, asked.if_range, asked.status) == ("bytes=50000-", '"an older state"', 200)


async def test_a_server_without_ranges_begins_anew(server: RangeServer, tmp_path: Path) -> None:
    server.has_ranges = False
    assert await fetched(part_in(tmp_path, 50_000, f"{server.url}{PATH}"), server.url) == DATA
    assert [asked.status for asked in server.log] == [200]


async def test_a_server_that_has_less_than_we_is_asked_for_all_of_it(server: RangeServer, tmp_path: Path) -> None:
    server.files[PATH] = DATA[:100]
    with pytest.raises(FetchError, match="has another file"):
        await fetched(part_in(tmp_path, 50_000), server.url)
    assert [(asked.range, asked.status) for asked in server.log] == [("bytes=50000-", 416), (None, 200)]


async def test_a_part_whose_end_alone_is_missing_needs_no_source(tmp_path: Path) -> None:
    """Killed between the last byte and the check."""
    assert await fetched(part_in(tmp_path, len(DATA)), "http://127.0.0.1:1") == DATA


async def test_a_damaged_part_costs_a_second_fetch_and_nothing_else(server: RangeServer, tmp_path: Path) -> None:
    part = part_in(tmp_path, 50_000)
    part.path.write_bytes(flipped(DATA[:50_000], 1234))
    assert await fetched(part, server.url) == DATA
    assert server.ranges == ["bytes=50000-", None]


async def test_a_part_of_another_file_is_not_gone_on_with(server: RangeServer, tmp_path: Path) -> None:
    old = Part(tmp_path, "small", "0" * 64, len(DATA))
    old.coming_from("", "")
    with old.appending() as file:
        file.write(bytes(1000))
    assert await fetched(part_in(tmp_path), server.url) == DATA
    assert server.ranges == [None]


@pytest.mark.parametrize("note", [b"", b"{", b'{"sha256": 1}', None])
def test_a_part_that_nobody_knows_is_removed(note: bytes | None, tmp_path: Path) -> None:
    (tmp_path / ".small.part").write_bytes(b"x")
    if note is not None:
        (tmp_path / ".small.part.json").write_bytes(note)
    assert part_in(tmp_path).size == 0
    assert halves(tmp_path) == []


async def test_a_redirection_is_followed_with_the_range(server: RangeServer, tmp_path: Path) -> None:
    """As hosts do that keep their files elsewhere."""
    server.files["/store/1"] = server.files.pop(PATH)
    server.moved[PATH] = "/store/1"
    assert await fetched(part_in(tmp_path, 50_000), server.url) == DATA
    assert [(asked.path, asked.range) for asked in server.log] == [(PATH, "bytes=50000-"), ("/store/1", "bytes=50000-")]


# More than one source.


async def test_mirrors_are_tried_in_turn_and_each_goes_on(server: RangeServer, other: RangeServer, tmp_path: Path) -> None:
    server.breaks = [120_000]
    assert await fetched(part_in(tmp_path), "http://127.0.0.1:1", server.url, other.url) == DATA
    assert (other.log[0].range, other.log[0].if_range) == ("bytes=120000-", None), "another server knows no mark of the first"


async def test_a_mirror_with_another_file_does_not_keep_the_next_from_being_asked(
    server: RangeServer, other: RangeServer, tmp_path: Path
) -> None:
    server.files[PATH] = flipped(DATA, 99)
    assert await fetched(part_in(tmp_path), server.url, other.url) == DATA
    assert other.ranges == [None], "nothing of the wrong file is kept"


async def test_all_that_went_wrong_is_said(server: RangeServer, other: RangeServer, tmp_path: Path) -> None:
    server.files.clear()
    other.files[PATH] = flipped(DATA, 5)
    with pytest.raises(FetchError) as refused:
        await fetched(part_in(tmp_path), server.url, other.url, "http://127.0.0.1:1")
    said = str(refused.value)
    assert "status 404" in said
    assert "SHA-256 differs" in said
    assert "127.0.0.1:1 did not answer" in said
    assert halves(tmp_path) == []


def test_a_mirror_on_disk_is_gone_on_with_too(tmp_path: Path) -> None:
    source = tmp_path / "mirror" / "small.bin"
    source.parent.mkdir()
    source.write_bytes(DATA)
    (tmp_path / "store").mkdir()
    reports: list[int] = []
    part = part_in(tmp_path / "store", 50_000)
    path = fetch(part, [source.as_uri()], lambda _, done, __: reports.append(done), is_offline=True)
    assert path.read_bytes() == DATA
    assert reports[-1] == len(DATA)
    part.remove()
    source.write_bytes(flipped(DATA, 7))
    with pytest.raises(FetchError, match="SHA-256 differs"):
        fetch(part_in(tmp_path / "store"), [source.as_uri()], lambda *_: None)
    source.write_bytes(DATA[:-1])
    with pytest.raises(FetchError, match="has another file"):
        fetch(part_in(tmp_path / "store"), [source.as_uri()], lambda *_: None)
    source.unlink()
    with pytest.raises(FetchError, match="does not have it"):
        fetch(part_in(tmp_path / "store"), [source.as_uri()], lambda *_: None)
    assert halves(tmp_path / "store") == []


# Bounds.


@pytest.mark.parametrize("has_length", [True, False])
@pytest.mark.parametrize("change", [b"more", None], ids=["longer", "shorter"])
async def test_never_another_length_than_promised(
    server: RangeServer, tmp_path: Path, has_length: bool, change: bytes | None
) -> None:
    server.has_length = has_length
    server.files[PATH] = DATA + change if change else DATA[:-1]
    part = part_in(tmp_path)
    with pytest.raises(FetchError):
        await fetched(part, server.url)
    assert part.size < len(DATA)
    if has_length:
        assert "has another file" in (await _said(part_in(tmp_path), server))


async def _said(part: Part, server: RangeServer) -> str:
    with pytest.raises(FetchError) as refused:
        await fetched(part, server.url)
    return str(refused.value)


async def test_offline_asks_nobody(server: RangeServer, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="CLOAKROOM_OFFLINE=0"):
        await fetched(part_in(tmp_path), server.url, is_offline=True)
    assert server.log == []


async def test_a_disk_without_room_is_said_before_anything_is_fetched(
    server: RangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("daemon.models.fetching.shutil.disk_usage", lambda _: usage(1, 1, 299_999))
    with pytest.raises(FetchError, match=r"needs 0\.3 MB of disk and 0\.3 MB are free in .*Make room"):
        await fetched(part_in(tmp_path), server.url)
    assert server.log == []
    assert await fetched(part_in(tmp_path, 1), server.url) == DATA, "what is here already needs no room"


async def test_a_disk_that_fills_up_keeps_what_it_took(
    server: RangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Part) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    part = part_in(tmp_path, 50_000)
    with monkeypatch.context() as patched:
        patched.setattr(partial.Part, "appending", full)
        with pytest.raises(FetchError, match="disk is full"):
            await fetched(part, server.url)
    assert part.size == 50_000
    assert await fetched(part, server.url) == DATA


# Models, and the command as a process.


async def test_flipped_bits_are_refused(tmp_path: Path) -> None:
    generator = random.Random(1)
    async with range_server() as started:
        entry, data = offered(started, size=50_000, seed=1)
        assert entry.url
        for bit in generator.sample(range(len(data) * 8), 5):
            started.files["/models/synthetic.pth"] = flipped(data, bit)
            with pytest.raises(ModelError, match="SHA-256 differs"):
                await asyncio.to_thread(pull, entry, tmp_path, lambda *_: None, (started.url,))
            assert names_in(tmp_path) == ["lock"]


async def test_killed_at_random_offsets_it_goes_on_each_time(tmp_path: Path) -> None:
    result = await kill_and_resume(tmp_path, kills=3, size=2_000_000, generator=random.Random(2))
    assert (result.kills, result.resumed, result.verified) == (3, 3, True)
    assert result.size <= result.sent < 1.2 * result.size, "what it had is not sent again"


async def test_two_that_fetch_into_the_same_folder_do_not_mix(tmp_path: Path) -> None:
    async with range_server() as started:
        entry, _ = offered(started, size=50_000, seed=1)
        started.stop_at = 10_000
        first = asyncio.create_task(asyncio.to_thread(pull, entry, tmp_path, lambda *_: None, (started.url,)))
        await asyncio.wait_for(started.stopped.wait(), 30)
        with pytest.raises(ModelError, match="being fetched"):
            await asyncio.to_thread(pull, entry, tmp_path, lambda *_: None, (started.url,))
        started.stop_at = None
    with pytest.raises(ModelError):
        await first
