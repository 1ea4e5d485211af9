"""`protect -r` that is stopped, killed, cut off from its daemon, or has to share it."""

import asyncio
import json
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.album.cloaker import DaemonCloaker, at_once
from daemon.album.journal import FOLDER, Journal, Line
from daemon.album.tree import Signature, Source, walk
from daemon.commands.protect_album import STOPPED
from daemon.front.jobs import QueueSettings
from daemon.front.server import Server
from daemon.wire.protocol import LIMITS
from tests.daemon import odd_workers
from tests.daemon.album.albums import PNG, files, photo, run, told
from tests.daemon.conftest import ELSEWHERE, POLICY, StartServer, local_client
from tests.daemon.front.every_backend import until

AS_IN_A_TERMINAL = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Tests that were themselves begun in the background hand down that SIGINT is ignored."""


def begun(counting: Server, album: Path, output: Path) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-c",
        AS_IN_A_TERMINAL,
        sys.executable,
        "-m",
        "daemon.cli",
        "protect",
        str(album),
        "-r",
        "-o",
        str(output),
        "--json",
    ]
    command += ["--state", str(counting.settings.state), "--protectors", "scene"]
    return subprocess.Popen(command, cwd=ELSEWHERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
async def test_a_run_that_is_ended_goes_on_where_it_was(
    counting: Server, album: Path, tmp_path: Path, works: Callable[[], int], number: signal.Signals
) -> None:
    for index in range(20):
        photo(album / f"more {index}.png")
    models, output = tmp_path / "models", tmp_path / "out"
    (models / "delay").write_text("0.3")
    process = begun(counting, album, output)
    await until(lambda: works() >= 6)
    process.send_signal(number)
    said, _ = await asyncio.to_thread(process.communicate)
    written = files(output)
    assert 1 <= len(written) < 24
    for name, data in written.items():
        assert data == (album / name).read_bytes() + b"~", "whole, or not there"
    if number is not signal.SIGKILL:
        report = json.loads(said)
        assert process.returncode == STOPPED
        assert report["complete"] is False
        assert report["counts"]["protected"] == len(written)
        assert report["counts"]["to_do"] == 24 - len(written)
        assert not list((output / FOLDER).glob("partial-*"))
        # Those that were under way were called off, and not left to be done for nobody.
        await until(lambda: not counting.queue.queued and not counting.queue.running)
        assert works() <= len(written) + at_once(LIMITS)
    (models / "delay").unlink()
    await until(lambda: not counting.queue.queued and not counting.queue.running)
    before = works()
    report = await told(counting, album, output)
    assert report["complete"] is True
    assert report["counts"]["protected"] == 24
    assert report["earlier"] == len(written)
    assert works() - before == 24 - len(written)
    assert files(output) == {
        name: (album / name).read_bytes() + b"~" for name in files(album) if name.endswith(("png", "PNG", "jpg"))
    }


def test_a_photo_that_has_its_name_has_its_line_whenever_a_run_is_killed(tmp_path: Path) -> None:
    """Before its line it has no name, and a line without its photo does not count as done."""
    signature = Signature(1, 2)
    with Journal(tmp_path) as journal, journal.partial(b"cloaked") as partial:
        assert partial.parent == tmp_path / FOLDER
        assert stat.S_IMODE(partial.stat().st_mode) == 0o600
        journal.add(Line("a.png", signature, "asked", "protected", output=Signature.of(partial.stat())))
        found = Signature.of(partial.stat())
    with Journal(tmp_path) as journal:
        line = journal.last(Path("a.png"))
        assert line is not None
        assert line.output == found
        assert journal.wrote(Path("a.png"), found)
        assert not journal.wrote(Path("b.png"), found)


def test_a_torn_line_costs_one_photo_and_not_the_journal(tmp_path: Path) -> None:
    lines = [Line(f"{name}.png", Signature(1, 2), "asked", "held", "unprotected") for name in "abc"]
    with Journal(tmp_path) as journal:
        journal.add(lines[0])
        journal.add(lines[1])
    path = tmp_path / FOLDER / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    (tmp_path / FOLDER / "partial-0123").write_bytes(b"half")
    with Journal(tmp_path) as journal:
        assert journal.last(Path("a.png")) == lines[0]
        assert journal.last(Path("b.png")) is None
        assert not list((tmp_path / FOLDER).glob("partial-*"))
        journal.add(lines[2])
    path.write_bytes(path.read_bytes() + b'\xff\x00{"photo": 3}\n[]\nnull\n')
    with Journal(tmp_path) as journal:
        assert journal.last(Path("c.png")) == lines[2]


async def test_a_daemon_that_goes_away_and_comes_back_is_waited_for(
    start_server: StartServer, album: Path, tmp_path: Path
) -> None:
    first = await start_server(odd_workers.counted)
    (tmp_path / "models" / "delay").write_text("0.1")
    ends: list[Any] = []
    servers = [first]

    async def open_client() -> Any:
        return await local_client(servers[-1])

    async def collect() -> None:
        found = [found for found in walk(album, tmp_path) if isinstance(found, Source)]
        async for ended in DaemonCloaker(open_client, POLICY, None).cloak(found):
            ends.append(ended)

    task = asyncio.create_task(collect())
    await until(lambda: len(ends) >= 1)
    await first.stop()
    servers.append(await start_server(odd_workers.counted))
    await asyncio.wait_for(task, 30)
    assert sorted(str(ended.source.relative) for ended in ends) == [
        "1.png", "summer/2.jpg", "summer/beach/3.webp.PNG", "winter/2.jpg",
    ]  # fmt: skip
    assert all(ended.data == ended.source.path.read_bytes() + b"~" for ended in ends)


# With others.


async def test_others_have_room_and_their_turn_while_an_album_runs(
    start_server: StartServer, tmp_path: Path, works: Callable[[], int]
) -> None:
    """An album of forty keeps a quarter of the queue; another's photo is next but one, whatever is left of the album."""
    server = await start_server(odd_workers.counted)
    folder = tmp_path / "album"
    for index in range(40):
        photo(folder / f"{index}.png")
    (tmp_path / "models" / "delay").write_text("0.05")
    most = 0
    running = asyncio.create_task(run(server, folder, tmp_path / "out"))
    code = server.pairing.open_pairing()
    from daemon.client import DaemonClient
    from daemon.front.pairing import CHROMIUM_ORIGIN

    async with await DaemonClient.open(server.port, None, origin=CHROMIUM_ORIGIN, code=code, label="Chromium") as other:
        await until(lambda: works() >= 3)
        for _ in range(5):
            before = works()
            most = max(most, server.queue.queued + server.queue.running)
            await other.protect(PNG + b"mine", POLICY)
            assert works() - before <= 3, "its own, the one that ran, and one more at the most"
    assert most <= at_once(LIMITS)
    assert await running == 0


async def test_a_queue_that_is_full_of_others_photos_is_waited_for(
    start_server: StartServer, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.album.cloaker.BUSY_SECONDS", (0.02,) * 500)
    server = await start_server(odd_workers.counted, QueueSettings(waiting=1))
    (tmp_path / "models" / "delay").write_text("0.05")
    async with await local_client(server) as other:
        mine = [asyncio.ensure_future(other.protect(PNG, POLICY))]
        await until(lambda: bool(server.queue.running))
        mine.append(asyncio.ensure_future(other.protect(PNG, POLICY)))
        assert await run(server, album, tmp_path / "out") == 0
        await asyncio.gather(*mine)
    assert len(files(tmp_path / "out")) == 4
