"""Checks of the operating system: the loopback, descriptors, memory, a place for temporary files."""

import socket
import sys
import tempfile
from collections.abc import Iterator
from typing import Final

import psutil

from daemon.doctor.finding import Finding, Place

CONNECT_SECONDS: Final = 5.0
FEWEST_DESCRIPTORS: Final = 256
"""128 sessions, 64 strangers, the worker's pipes, and what Python itself has open."""

LEAST_FREE: Final = 1024**3
"""Bytes. The worker with its models takes about so much, before the first photo."""


def check(place: Place) -> Iterator[Finding]:
    wrong = [*_loopback(), *_descriptors(), *_temporary(), *_memory(place)]
    yield from wrong
    if not wrong:
        yield Finding("machine", "machine", "loopback, descriptors, memory and temporary files are there")


def _loopback() -> Iterator[Finding]:
    """A browser on this machine could reach a daemon: somebody listens, somebody comes."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as door:
            socket.create_connection(door.getsockname(), CONNECT_SECONDS).close()
    except OSError as problem:
        found = f"127.0.0.1 cannot be reached ({problem.strerror or 'no answer'})"
        advice = "Bring the loopback up (Linux: `sudo ip link set lo up`), and let firewalls pass it: browsers come over it."
        yield Finding("loopback-absent", "machine", found, advice)


def _descriptors() -> Iterator[Finding]:
    if sys.platform == "win32":
        return
    import resource

    may, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if may != resource.RLIM_INFINITY and may < FEWEST_DESCRIPTORS:
        found = f"a process may open {may} files and sockets, {FEWEST_DESCRIPTORS} are needed"
        advice = "Raise it: `ulimit -n 1024` before `cloakroom serve`, or LimitNOFILE=1024 in the service's unit."
        yield Finding("descriptors-few", "machine", found, advice)


def _temporary() -> Iterator[Finding]:
    try:
        with tempfile.TemporaryFile() as file:
            file.write(b"x")
    except OSError as problem:
        found = f"nothing can be written for a moment ({problem.strerror or 'no usable folder'})"
        advice = "Make room in the folder for temporary files, or have TMPDIR name one that you may write to."
        yield Finding("temporary-unwritable", "machine", found, advice)


def _memory(place: Place) -> Iterator[Finding]:
    total, free = psutil.virtual_memory().total, psutil.virtual_memory().available
    if free < LEAST_FREE:
        found = f"{free // 1024**2} MiB of memory are free, the worker needs about {LEAST_FREE // 1024**2}"
        yield Finding("memory-little", "machine", found, "Close programs that you do not need, then try again.")
    if place.values.memory != "auto" and place.values.memory > total:
        found = f"the worker may hold {place.values.memory // 1024**2} MiB, and the machine has {total // 1024**2}"
        advice = 'Set memory to less, or to "auto": where it ends, the system ends programs of its own choice.'
        yield Finding("memory-beyond", "machine", found, advice)
