"""The system calls that decoding, PyTorch and Python were seen to make in the worker, with a margin.

Recorded with strace on x86_64 (Linux 6.18, glibc 2.36, Python 3.11, torch 2.14): imports, threads, every kind of file, every
protector. The margin is what other releases of glibc and Python use in their place: older and newer forms of the same call.
Each name has its number on x86_64 and on aarch64 (asm/unistd.h), None where a machine lacks it. The commonest come first.
"""

from typing import Final

Numbers = dict[str, tuple[int | None, int | None]]

MEMORY: Final[Numbers] = {
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "preadv": (295, 69),
    "preadv2": (327, 286),
    "pwrite64": (18, 68),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "mprotect": (10, 226),
    "madvise": (28, 233),
    "brk": (12, 214),
    "msync": (26, 227),
    "mincore": (27, 232),
    "mlock": (149, 228),
    "munlock": (150, 229),
    "mbind": (237, 235),
    "get_mempolicy": (239, 236),
    "set_mempolicy": (238, 237),
    "pkey_alloc": (330, 289),
    "pkey_free": (331, 290),
    "pkey_mprotect": (329, 288),
}
"""Memory, and bytes through what is open already."""

THREADS: Final[Numbers] = {
    "futex": (202, 98),
    "futex_waitv": (449, 449),
    "futex_wake": (454, 454),
    "futex_wait": (455, 455),
    "futex_requeue": (456, 456),
    "set_robust_list": (273, 99),
    "get_robust_list": (274, 100),
    "set_tid_address": (218, 96),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "gettid": (186, 178),
    "getpid": (39, 172),
    "getppid": (110, 173),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120),
    "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126),
    "getcpu": (309, 168),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "arch_prctl": (158, None),
    "restart_syscall": (219, 128),
}
"""Threads, and its end."""

SIGNALS: Final[Numbers] = {
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136),
    "rt_sigsuspend": (130, 133),
    "rt_sigtimedwait": (128, 137),
    "sigaltstack": (131, 132),
}
"""Signals that it handles itself."""

FILES: Final[Numbers] = {
    "open": (2, None),
    "openat": (257, 56),
    "close": (3, 57),
    "close_range": (436, 436),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    "fadvise64": (221, 223),
    "readahead": (187, 213),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "pipe": (22, None),
    "pipe2": (293, 59),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
}
"""Files to read, as far as Landlock lets it."""

WAITING: Final[Numbers] = {
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "epoll_create": (213, None),
    "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21),
    "epoll_wait": (232, None),
    "epoll_pwait": (281, 22),
    "eventfd2": (290, 19),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    "time": (201, None),
}
"""Waiting and clocks."""

ITSELF: Final[Numbers] = {
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "getrusage": (98, 165),
    "times": (100, 153),
    "getrlimit": (97, 163),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getgroups": (115, 158),
    "getpgid": (121, 155),
    "getpgrp": (111, None),
    "getsid": (124, 156),
    "getpriority": (140, 141),
    "capget": (125, 90),
    "getrandom": (318, 278),
}
"""System calls that tell about the process and its machine."""

LOOKED_AT: Final[Numbers] = {
    "clone": (56, 220),
    "ioctl": (16, 29),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
    "fcntl": (72, 25),
    "tgkill": (234, 131),
    "sched_setaffinity": (203, 122),
}
"""Refused or not by their values (see `seccomp`): threads but no processes, no terminals, no limits, signals or processors
of others."""

WITH_A_CARD: Final[Numbers] = {
    "memfd_create": (319, 279),
    "ftruncate": (77, 46),
    "mlock2": (325, 284),
    "munlockall": (152, 231),
    "socketpair": (53, 199),
}
"""System calls that drivers of graphics cards need besides."""

ALWAYS: Final[Numbers] = MEMORY | THREADS | SIGNALS | FILES | WAITING | ITSELF
