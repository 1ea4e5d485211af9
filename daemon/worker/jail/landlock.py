"""Landlock: which files a process may still open, and that it may reach no network (Linux 5.13; linux/landlock.h)."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from daemon.worker.jail.system_call import PR_SET_NO_NEW_PRIVS, call, prctl

CREATE_RULESET: Final = 444
ADD_RULE: Final = 445
RESTRICT_SELF: Final = 446
VERSION: Final = 1
PATH_BENEATH: Final = 1

EXECUTE: Final = 1 << 0
WRITE_FILE: Final = 1 << 1
READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3
TRUNCATE: Final = 1 << 14
IOCTL_DEV: Final = 1 << 15
READ: Final = READ_FILE | READ_DIR
ON_FILES: Final = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights over files each version of Landlock knows; later ones know as many as the fifth."""
NETWORK: Final = 0b11
"""Binding and connecting TCP, from the fourth version on."""
SCOPES: Final = 0b11
"""Abstract sockets and signals of others, from the sixth version on."""

GPU_DEVICES: Final = tuple(map(Path, ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")))
LIBRARIES: Final = tuple(map(Path, ("/usr", "/lib", "/lib64", "/opt/rocm", "/nix/store")))
FACTS: Final = tuple(
    map(
        Path,
        (
            "/sys",
            "/proc/self",
            "/proc/cpuinfo",
            "/proc/meminfo",
            "/proc/stat",
            "/proc/driver",
            "/etc/ld.so.cache",
            "/etc/localtime",
            "/etc/OpenCL",
        ),
    )
)
"""Places that libraries read: not the person's folders, and not other processes."""
HARMLESS: Final = tuple(map(Path, ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")))


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """The version that this kernel has; 0 for none."""
    try:
        return call(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION))
    except OSError:
        return 0


def restrict(readable: Iterable[Path]) -> bool:
    """Leave this process what it is made of and these folders, all of it to read; says whether that was possible."""
    known = version()
    if not known:
        return False
    rights = (1 << FILE_RIGHTS.get(known, 16)) - 1
    ruleset = _Ruleset(rights, NETWORK if known >= 4 else 0, SCOPES if known >= 6 else 0)
    # Older kernels know a shorter structure.
    size = 8 if known < 4 else 16 if known < 6 else 24
    rules = call(CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path, allowed in _allowed(readable):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                _allow(rules, path, allowed & rights)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        call(RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0))
    finally:
        os.close(rules)
    return True


def _allowed(readable: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    for path in (*LIBRARIES, *FACTS, *_python(), *readable):
        # Libraries are mapped to be run, which Landlock counts as reading; no program may be.
        yield path, READ
    for path in HARMLESS:
        yield path, READ_FILE | WRITE_FILE
    for path in (*Path("/dev").glob("nvidia*"), *(path for path in GPU_DEVICES if path.exists()), Path("/dev/dri")):
        yield path, READ | WRITE_FILE | IOCTL_DEV


def _python() -> Iterator[Path]:
    """Return the folders of this Python's files and packages."""
    yield from map(Path, {sys.prefix, sys.base_prefix, sys.exec_prefix})
    # Not the folder that it was started in, which is the empty one.
    yield from (Path(entry) for entry in sys.path if entry)


def _allow(rules: int, path: Path, allowed: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        # A right over folders cannot be given for a file.
        rule = _Beneath(allowed if path.is_dir() else allowed & ON_FILES, parent)
        call(ADD_RULE, ctypes.c_int(rules), ctypes.c_int(PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(parent)
