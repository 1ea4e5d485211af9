"""seccomp: system calls that a process which computes never needs, and one which was taken over would (seccomp(2))."""

import ctypes
import errno
import platform
import struct
from typing import Final

from daemon.jail.system_call import PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, call, prctl

SET_MODE_FILTER: Final = 1
EVERY_THREAD: Final = 1
ALLOW: Final = 0x7FFF0000
REFUSE: Final = 0x00050000
CLONE_THREAD: Final = 0x00010000
X32: Final = 0x40000000

LOAD: Final = 0x20
IF_EQUAL: Final = 0x15
IF_AT_LEAST: Final = 0x35
IF_ANY_BIT: Final = 0x45
RETURN: Final = 0x06
NUMBER_AT: Final = 0
MACHINE_AT: Final = 4
FIRST_VALUE_AT: Final = 16

MACHINES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SECCOMP: Final = {"x86_64": 317, "aarch64": 277}
CLONE: Final = {"x86_64": 56, "aarch64": 220}
CLONE3: Final = 435
"""The same on every machine, as all calls from 424 on. Its flags lie in memory, where a filter cannot look."""

OWN: Final = {
    # connect and bind of sockets that it does not have are refused with socket itself.
    "socket": (41, 198),
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "kill": (62, 129),
    "tkill": (200, 130),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "personality": (135, 92),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "reboot": (169, 142),
    "acct": (163, 89),
    "swapon": (167, 224),
    "quotactl": (179, 60),
    "chmod": (90, None),
    "fchmodat": (268, 53),
    "chown": (92, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
}
"""By name, on x86_64 and on aarch64 (asm/unistd.h)."""
SHARED: Final = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "pidfd_open": 434,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "memfd_secret": 447,
}


def _step(code: int, value: int, when: int = 0, otherwise: int = 0) -> bytes:
    """One instruction of the filter; the two jumps count instructions to leave out."""
    return struct.pack("HBBI", code, when, otherwise, value)


def program(machine: str) -> bytes:
    """The filter for a machine: what is refused fails with EPERM, clone3 with ENOSYS so that threads are made with clone."""
    column = list(MACHINES).index(machine)
    own = [pair[column] for pair in OWN.values()]
    refused = sorted([number for number in own if number is not None] + list(SHARED.values()))
    refuse = _step(RETURN, REFUSE | errno.EPERM)
    steps = [
        _step(LOAD, MACHINE_AT),
        _step(IF_EQUAL, MACHINES[machine], 1, 0),
        refuse,
        _step(LOAD, NUMBER_AT),
        # The second set of calls that x86_64 has would get round every number below.
        _step(IF_AT_LEAST, X32, 0, 1),
        refuse,
        _step(IF_EQUAL, CLONE3, 0, 1),
        _step(RETURN, REFUSE | errno.ENOSYS),
    ]
    for number in refused:
        steps += [_step(IF_EQUAL, number, 0, 1), refuse]
    steps += [
        _step(IF_EQUAL, CLONE[machine], 0, 3),
        _step(LOAD, FIRST_VALUE_AT),
        # Threads, but no processes.
        _step(IF_ANY_BIT, CLONE_THREAD, 1, 0),
        refuse,
        _step(RETURN, ALLOW),
    ]
    return b"".join(steps)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def restrict() -> bool:
    """Refuse them to every thread of this process from now on; says whether that was possible."""
    machine = platform.machine()
    if machine not in MACHINES:
        return False
    steps = program(machine)
    filtered = _Program(len(steps) // 8, steps)
    try:
        # Others of this person's programs cannot look into its memory either.
        prctl(PR_SET_DUMPABLE, 0)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        call(SECCOMP[machine], ctypes.c_uint(SET_MODE_FILTER), ctypes.c_uint(EVERY_THREAD), ctypes.byref(filtered))
    except OSError:
        return False
    return True
