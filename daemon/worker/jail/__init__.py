"""The worker's jail. It decodes hostile files: it may compute, read what it is made of, and answer; nothing else.

Three walls, each where the system has it: resource limits, Landlock (which files), seccomp (which system calls). They are
put up before the first library that reads a photo is imported, because Landlock holds only threads that begin after it. No
terminal is left to it either: it could type into that what the person's shell then runs. What holds is shown by
tests/daemon/worker/test_jail.py, which tries to get out.
"""

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

WALLS: Final = ("limits", "landlock", "seccomp")
"""The walls that a Linux can have."""


def leave_terminal(errors: int | None) -> None:
    """Go into a session of its own, with nothing to read from, and nothing of a terminal to write to.

    Args:
        errors: descriptor that what is written goes to; None leaves what is no terminal, and drops the rest.
    """
    if sys.platform == "win32":
        return
    with contextlib.suppress(PermissionError):
        # It leads a group already, and cannot leave its session: a debugger started it.
        os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    for number in (1, 2):
        if errors is not None:
            os.dup2(errors, number)
        elif os.isatty(number):
            os.dup2(nothing, number)
    os.close(nothing)


def enter(readable: Iterable[Path], memory: int | None) -> tuple[str, ...]:
    """Shut this process in, for good.

    Args:
        readable: folders that it needs besides Python's own and the system's libraries.
        memory: bytes that it may hold, or None; ignored where a GPU is, whose driver maps far more than it uses.

    Returns:
        The walls that stand. A system without one of them still has the others, and the rest of the daemon's care.
    """
    if sys.platform != "linux":
        return _limits(None)
    from daemon.worker.jail import landlock, seccomp

    has_gpu = any(path.exists() for path in landlock.GPU_DEVICES)
    walls = _limits(None if has_gpu else memory)
    if landlock.restrict(readable):
        walls += ("landlock",)
    if seccomp.restrict(has_gpu):
        walls += ("seccomp",)
    # While it is imported, torch looks for a compiler, and for a folder of its compiled code. It goes on without the one, and
    # with a folder that is there, though nothing can be written into it.
    os.environ |= {"PATH": "", "TORCHINDUCTOR_CACHE_DIR": sys.prefix}
    return walls


def _limits(memory: int | None) -> tuple[str, ...]:
    if sys.platform == "win32":
        return ()
    import resource

    # A dump of its memory would be the photo on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory is not None and sys.platform == "linux":
        # The supervisor looks twice a second; an image that grows faster than that fails by itself before the machine does.
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    return ("limits",)
