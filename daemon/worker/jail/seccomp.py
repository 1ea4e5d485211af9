"""seccomp: a process may make the system calls that its work needs, and no others (seccomp(2))."""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable
from typing import Final

from daemon.worker.jail.allowed import ALWAYS, LOOKED_AT, WITH_A_CARD
from daemon.worker.jail.system_call import PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, call, prctl

SET_MODE_FILTER: Final = 1
EVERY_THREAD: Final = 1
ALLOW: Final = 0x7FFF0000
REFUSE: Final = 0x00050000
X32: Final = 0x40000000

LOAD: Final = 0x20
AND: Final = 0x54
IF_EQUAL: Final = 0x15
IF_AT_LEAST: Final = 0x35
IF_ANY_BIT: Final = 0x45
RETURN: Final = 0x06
NUMBER_AT: Final = 0
MACHINE_AT: Final = 4
VALUES_AT: Final = 16

MACHINES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SECCOMP: Final = {"x86_64": 317, "aarch64": 277}
CLONE3: Final = 435
"""The same on every machine. Its flags lie in memory, where a filter cannot look: threads are made with clone."""
UNHEARD_OF: Final = 470
"""From here on lie system calls that are newer than this file. They are said not to be there, so that libraries do without."""

CLONE_THREAD: Final = 0x00010000
HARMLESS_IOCTLS: Final = {"TCGETS": 0x5401, "FIONREAD": 0x541B, "FIONBIO": 0x5421, "FIONCLEX": 0x5450, "FIOCLEX": 0x5451}
"""Python asks every file that it opens whether it is a terminal (TCGETS)."""
TERMINALS: Final = 0x5400
"""The second byte of an ioctl's number, for terminals."""
HARMLESS_PRCTLS: Final = {"PR_SET_NAME": 15, "PR_GET_NAME": 16, "PR_SET_VMA": 0x53564D41}
HARMLESS_FCNTLS: Final = {
    "F_DUPFD": 0, "F_GETFD": 1, "F_SETFD": 2, "F_GETFL": 3, "F_SETFL": 4, "F_GETLK": 5, "F_SETLK": 6, "F_SETLKW": 7,
    "F_DUPFD_CLOEXEC": 1030,
}  # fmt: skip
"""Not F_SETOWN, with which the kernel sends signals to another process."""


def _step(code: int, value: int, when: int = 0, otherwise: int = 0) -> bytes:
    """One instruction of the filter; the two jumps count instructions to leave out."""
    return struct.pack("HBBI", code, when, otherwise, value)


ALLOWED: Final = _step(RETURN, ALLOW)
REFUSED: Final = _step(RETURN, REFUSE | errno.EPERM)
ABSENT: Final = _step(RETURN, REFUSE | errno.ENOSYS)


def _value(number: int, high: bool = False) -> bytes:
    """Load the lower or higher half of a value that the system call was given."""
    return _step(LOAD, VALUES_AT + 8 * number + 4 * high)


def _one_of(values: Iterable[int]) -> bytes:
    """Allow what was loaded where it is one of these."""
    return b"".join(_step(IF_EQUAL, value, 0, 1) + ALLOWED for value in values)


def _looked_at(has_card: bool, process: int) -> dict[str, bytes]:
    """By name: what decides on the values of a system call. Each ends in an answer."""
    ioctl = _value(1) + _one_of(HARMLESS_IOCTLS.values())
    if has_card:
        # A driver's own numbers are its own; a terminal is refused all the same.
        ioctl += _step(AND, 0xFF00) + _step(IF_EQUAL, TERMINALS, 0, 1) + REFUSED + ALLOWED
    is_nothing = _step(IF_EQUAL, 0, 1, 0) + REFUSED
    return {
        "clone": _value(0) + _step(IF_ANY_BIT, CLONE_THREAD, 0, 1) + ALLOWED + REFUSED,
        "ioctl": ioctl + REFUSED,
        "prctl": _value(0) + _one_of(HARMLESS_PRCTLS.values()) + REFUSED,
        "fcntl": _value(1) + _one_of(HARMLESS_FCNTLS.values()) + REFUSED,
        # Its own limits, to be read.
        "prlimit64": _value(0) + is_nothing + _value(2) + is_nothing + _value(2, high=True) + is_nothing + ALLOWED,
        "tgkill": _value(0) + _one_of([process]) + REFUSED,
        "sched_setaffinity": _value(0) + _one_of([0]) + REFUSED,
    }


def program(machine: str, has_card: bool = False, process: int | None = None) -> bytes:
    """The filter for a machine.

    What is refused fails with EPERM; clone3 and what nobody has heard of yet with ENOSYS, so that libraries do without.

    Args:
        machine: one of MACHINES.
        has_card: whether drivers of graphics cards have to be spoken to.
        own: number of the process that it is for; this one's where it is None.
    """
    column = list(MACHINES).index(machine)
    steps = [
        _step(LOAD, MACHINE_AT),
        _step(IF_EQUAL, MACHINES[machine], 1, 0),
        REFUSED,
        _step(LOAD, NUMBER_AT),
        # The second set of calls that x86_64 has would get round every number below.
        _step(IF_AT_LEAST, X32, 0, 1),
        REFUSED,
    ]
    always = ALWAYS | WITH_A_CARD if has_card else ALWAYS
    steps.append(_one_of(number for numbers in always.values() if (number := numbers[column]) is not None))
    for name, decision in _looked_at(has_card, os.getpid() if process is None else process).items():
        number = LOOKED_AT[name][column]
        if number is not None:
            steps += [_step(IF_EQUAL, number, 0, len(decision) // 8), decision]
    steps += [_step(IF_EQUAL, CLONE3, 0, 1), ABSENT, _step(IF_AT_LEAST, UNHEARD_OF, 0, 1), ABSENT, REFUSED]
    return b"".join(steps)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def restrict(has_card: bool = False) -> bool:
    """Leave every thread of this process what the work needs, from now on; says whether that was possible."""
    machine = platform.machine()
    if machine not in MACHINES:
        return False
    steps = program(machine, has_card)
    filtered = _Program(len(steps) // 8, steps)
    try:
        # Others of this person's programs cannot look into its memory either.
        prctl(PR_SET_DUMPABLE, 0)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        call(SECCOMP[machine], ctypes.c_uint(SET_MODE_FILTER), ctypes.c_uint(EVERY_THREAD), ctypes.byref(filtered))
    except OSError:
        return False
    return True
