"""System calls that Python has no function for."""

import ctypes
import os

_library = ctypes.CDLL(None, use_errno=True)
_library.syscall.restype = ctypes.c_long

PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38


def call(number: int, *values: object) -> int:
    """Return the result of a system call.

    Raises:
        OSError: it failed.
    """
    result = int(_library.syscall(ctypes.c_long(number), *values))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prctl(option: int, value: int) -> None:
    """Change something about this process.

    Raises:
        OSError: it failed.
    """
    if _library.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
