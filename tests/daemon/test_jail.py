"""The worker's jail, from inside: a process that was shut in tries to get out, and what it is for goes on."""

import asyncio
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

from daemon import jail
from daemon.client import DaemonClient
from tests.daemon.conftest import RunningDaemon

if sys.platform != "linux":
    pytest.skip("Landlock and seccomp are Linux's", allow_module_level=True)

import resource

from daemon.jail import landlock, seccomp
from daemon.jail.system_call import call

ESCAPES: dict[str, Callable[[Path, int], object]] = {
    "read a person's file": lambda folder, _: (folder / "diary.txt").read_text(),
    "list a person's folder": lambda folder, _: list(folder.iterdir()),
    "write a file": lambda folder, _: (folder / "left behind").write_text("x"),
    "write over a file": lambda folder, _: (folder / "diary.txt").write_text("x"),
    "delete a file": lambda folder, _: (folder / "spare.txt").unlink(),
    "change a file's mode": lambda folder, _: (folder / "diary.txt").chmod(0o644),
    "link a file": lambda folder, _: (folder / "link").symlink_to("diary.txt"),
    "reach the network": lambda _, port: socket.create_connection(("127.0.0.1", port), 2).close(),
    "listen": lambda _, __: socket.create_server(("127.0.0.1", 0)).close(),
    "run a program": lambda _, __: subprocess.run(["/bin/true"], check=True),
    "become two": lambda _, __: os.fork() or os._exit(0),
    "signal another": lambda _, __: os.kill(os.getppid(), 0),
    "read another's memory": lambda _, __: Path(f"/proc/{os.getppid()}/maps").read_text(),
    "read another's surroundings": lambda _, __: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
}


def attempt(connection: Connection, folder: Path, port: int, is_jailed: bool) -> None:
    walls = jail.enter([folder / "models"], 8 * 1024**3) if is_jailed else ()
    results: dict[str, str] = {}

    def try_all() -> None:
        for name, escape in ESCAPES.items():
            try:
                escape(folder, port)
            except OSError as refusal:
                results[name] = type(refusal).__name__
            else:
                results[name] = "got out"

    # The worker's threads are younger than its jail.
    thread = threading.Thread(target=try_all)
    thread.start()
    thread.join()
    facts = {
        "walls": walls,
        "model": (folder / "models" / "weights").read_text(),
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
    }
    connection.send((results, facts))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "diary.txt").write_text("what a person wrote")
    (tmp_path / "spare.txt").write_text("x")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "weights").write_text("numbers")
    return tmp_path


def run(folder: Path, *, is_jailed: bool) -> tuple[dict[str, str], dict[str, object]]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = context.Process(target=attempt, args=(theirs, folder, listening.getsockname()[1], is_jailed))
        process.start()
        theirs.close()
        told: tuple[dict[str, str], dict[str, object]] = ours.recv()
        process.join(20)
    return told


@pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
def test_there_is_no_way_out(folder: Path) -> None:
    results, facts = run(folder, is_jailed=True)
    assert facts["walls"] == ("limits", "landlock", "seccomp")
    assert results == dict.fromkeys(ESCAPES, "PermissionError")
    assert facts["model"] == "numbers"
    assert facts["core"] == 0
    assert (folder / "diary.txt").read_text() == "what a person wrote"


def test_without_it_every_way_is_open(folder: Path) -> None:
    results, _ = run(folder, is_jailed=False)
    assert results == dict.fromkeys(ESCAPES, "got out")


def grow(connection: Connection, memory: int) -> None:
    jail.enter([], memory)
    try:
        kept = bytearray(2 * memory)
    except MemoryError:
        connection.send("refused")
    else:
        connection.send(f"has {len(kept)}")


def test_memory_ends_before_the_machines_does() -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=grow, args=(theirs, 512 * 1024**2))
    process.start()
    assert ours.recv() == "refused"
    process.join(20)


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_a_filter_is_whole_and_its_jumps_stay_inside(machine: str) -> None:
    steps = seccomp.program(machine)
    assert len(steps) % 8 == 0
    length = len(steps) // 8
    # BPF_MAXINSNS
    assert length < 4096
    for place in range(length):
        code, when, otherwise = steps[8 * place], steps[8 * place + 2], steps[8 * place + 3]
        if code in (seccomp.IF_EQUAL, seccomp.IF_AT_LEAST, seccomp.IF_ANY_BIT):
            assert place + 1 + max(when, otherwise) < length
    assert steps[-8] == seccomp.RETURN


def test_a_kernel_without_landlock_leaves_the_other_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(landlock, "call", unknown)
    assert landlock.version() == 0
    assert landlock.restrict([]) is False


def test_a_failing_call_says_why() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        # close(-1)
        call(3 if os.uname().machine == "x86_64" else 57, -1)


async def is_ready(state: Path) -> None:
    async with asyncio.timeout(120), await DaemonClient.open_local(state) as client:
        while (await client.status()).worker != "ready":  # noqa: ASYNC110 - the daemon tells when asked
            await asyncio.sleep(0.1)


def test_the_worker_of_a_daemon_is_in_it(running_daemon: RunningDaemon) -> None:
    asyncio.run(is_ready(running_daemon.state))
    workers = [child for child in psutil.Process(running_daemon.pid).children() if "spawn_main" in " ".join(child.cmdline())]
    assert len(workers) == 1
    facts = dict(line.split(":\t", 1) for line in Path(f"/proc/{workers[0].pid}/status").read_text().splitlines())
    assert (facts["Seccomp"], facts["NoNewPrivs"]) == ("2", "1")
    assert "its jail: limits, landlock, seccomp" in running_daemon.log.read_text()
