"""The worker's jail, from inside: a process that was shut in tries to get out, and what it is for goes on."""

import asyncio
import contextlib
import ctypes
import errno
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

import protectors
from daemon.client import DaemonClient
from daemon.worker import jail
from tests.daemon.conftest import RunningDaemon

if sys.platform != "linux":
    pytest.skip("Landlock and seccomp are Linux's", allow_module_level=True)

import fcntl
import pty
import resource
import termios

from daemon.worker.jail import landlock
from daemon.worker.jail.system_call import call

AT_FDCWD = -100
FCHMODAT2 = 452
NUMBERS = {
    "x86_64": {"lsetxattr": 189, "shmget": 29, "shmat": 30, "shmctl": 31},
    "aarch64": {"lsetxattr": 6, "shmget": 194, "shmat": 196, "shmctl": 195},
}.get(os.uname().machine, {})

KERNEL = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
TYPES_AT = Path("/proc/sys/dev/tty/legacy_tiocsti")
TYPES = os.geteuid() == 0 or not TYPES_AT.exists() or TYPES_AT.read_text().strip() == "1"
"""Whether this kernel lets a process type into its terminal."""

PREPARED: dict[str, int] = {}
"""Resources that a process had before it was shut in: a terminal, another's memory."""

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
    "type into a terminal": lambda _, __: fcntl.ioctl(PREPARED["terminal"], termios.TIOCSTI, b"x"),
    "change a file's mode by its newest call": lambda folder, _: call(
        FCHMODAT2, AT_FDCWD, os.fsencode(folder / "diary.txt"), ctypes.c_uint(0o644), 0
    ),
    "mark a file": lambda folder, _: call(
        NUMBERS["lsetxattr"], os.fsencode(folder / "diary.txt"), b"user.mark", b"x", ctypes.c_size_t(1), 0
    ),
    "give a file away": lambda folder, _: os.chown(folder / "diary.txt", os.getuid(), -1, follow_symlinks=False),
    "set a file's time": lambda folder, _: os.utime(folder / "diary.txt", (1, 1)),
    "share another's memory": lambda _, __: call(NUMBERS["shmat"], PREPARED["shared"], None, 0),
    "see another's limits": lambda _, __: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE),
    "lift its own limits": lambda _, __: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
    "slow another down": lambda _, __: os.setpriority(os.PRIO_PROCESS, os.getppid(), PREPARED["nice"]),
    "move another to one processor": lambda _, __: os.sched_setaffinity(os.getppid(), os.sched_getaffinity(0)),
    "have another signalled": lambda _, __: fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid()),
    "read another's surroundings": lambda _, __: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
}


def prepare() -> None:
    _, PREPARED["terminal"] = pty.openpty()
    # A process of its own session can have one that it then types into, as the worker could into the person's.
    os.setsid()
    fcntl.ioctl(PREPARED["terminal"], termios.TIOCSCTTY, 0)
    PREPARED["shared"] = call(NUMBERS["shmget"], 0, ctypes.c_size_t(4096), 0o600)
    PREPARED["nice"] = os.getpriority(os.PRIO_PROCESS, os.getppid())


def attempt(connection: Connection, folder: Path, port: int, is_jailed: bool) -> None:
    prepare()
    walls = jail.enter([folder / "models"], 8 * 1024**3) if is_jailed else ()
    results: dict[str, str] = {}

    def try_all() -> None:
        for name, escape in ESCAPES.items():
            try:
                escape(folder, port)
            except OSError as refusal:
                results[name] = type(refusal).__name__
            except ValueError:
                # What Python makes of EPERM where limits are set.
                results[name] = "PermissionError"
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
    os.close(PREPARED["terminal"])
    connection.send((results, facts))


@pytest.fixture(autouse=True)
def no_shared_memory_left() -> Iterator[None]:
    def segments() -> set[int]:
        lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
        return {int(line.split()[1]) for line in lines}

    before = segments()
    yield
    for left in segments() - before:
        with contextlib.suppress(OSError):
            # IPC_RMID
            call(NUMBERS["shmctl"], left, 0, None)


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
    # Kernels can have terminals closed to this and not know the newest call; then there is nothing to keep from.
    for name, is_possible in (("type into a terminal", TYPES), ("change a file's mode by its newest call", KERNEL >= (6, 6))):
        if not is_possible:
            assert results.pop(name) in ("OSError", "PermissionError")
    assert set(results.values()) == {"got out"}, results


def take_lanes(connection: Connection) -> None:
    jail.enter([Path(protectors.__file__).parent], 8 * 1024**3)
    import torch

    from protectors.lanes import LANES, side_by_side

    torch.set_num_threads(LANES)
    places = side_by_side([threading.get_ident] * LANES)
    connection.send(threading.get_ident() not in places)


def test_networks_are_read_at_the_same_time_inside_it() -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=take_lanes, args=(theirs,))
    process.start()
    theirs.close()
    assert ours.recv() is True
    process.join(20)


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


def in_a_terminal(connection: Connection, errors: Connection) -> None:
    """A worker that leaves the terminal it was started from."""
    jail.leave_terminal(errors.fileno())
    os.write(2, b"said")
    links = [str(Path(f"/proc/self/fd/{number}").readlink()) for number in (0, 1, 2)]
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError as refusal:
        connection.send((os.getsid(0) == os.getpid(), links, refusal.errno))
    else:
        connection.send((False, links, 0))


def with_a_terminal(connection: Connection) -> None:
    """A daemon in a terminal."""
    _, terminal = pty.openpty()
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number in (0, 1, 2):
        os.dup2(terminal, number)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    heard, written = context.Pipe(duplex=False)
    process = context.Process(target=in_a_terminal, args=(theirs, written))
    process.start()
    connection.send((ours.recv(), os.read(heard.fileno(), 100)))
    process.join(20)


def test_no_terminal_is_left_to_it() -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=with_a_terminal, args=(theirs,))
    process.start()
    (leads, links, refusal), said = ours.recv()
    process.join(20)
    assert leads, "it has a session of its own"
    assert links[0] == "/dev/null"
    assert not [link for link in links if link.startswith(("/dev/pts", "/dev/tty"))]
    assert refusal == errno.ENXIO, "no terminal belongs to its session"
    assert said == b"said"


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
    assert os.getsid(workers[0].pid) == workers[0].pid, "a session of its own"
    # Its descriptors can't be looked at from outside: it is not dumpable. That it speaks by a pipe is seen by its log below.
    assert "its jail: limits, landlock, seccomp" in running_daemon.log.read_text()
