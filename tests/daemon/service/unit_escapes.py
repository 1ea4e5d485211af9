"""Run by a systemd unit: tries what the daemon never needs, and writes as JSON what came of each.

python unit_escapes.py RESULTS
"""

import ctypes
import errno
import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path

NEW_USER = 0x10000000
READ_IMPLIES_EXEC = 0x0400000
PR_GET_NO_NEW_PRIVS = 39
PTRACE_ATTACH = 16
NOBODY = 0x7FFFFFFE

libc = ctypes.CDLL(None, use_errno=True)


def ask(name: str, *values: int) -> None:
    """A function of the C library's, with values that lead nowhere: whoever may not ask is told so, and nobody else.

    Raises:
        PermissionError: it was not even looked at.
    """
    if getattr(libc, name)(*values) == -1 and ctypes.get_errno() == errno.EPERM:
        raise PermissionError(name)


def gain() -> None:
    """Whether a program that it starts may have more rights than it has."""
    if libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1:
        raise PermissionError


def set_user_id(folder: Path) -> None:
    """A file that makes whoever runs it its owner."""
    file = folder / "set-user-id"
    file.touch()
    try:
        file.chmod(0o4755)
    finally:
        file.unlink()


def leave_readable(folder: Path) -> None:
    """A file that others may read."""
    file = folder / "readable"
    file.unlink(missing_ok=True)
    file.touch()
    mode = file.stat().st_mode
    file.unlink()
    if not mode & 0o044:
        raise PermissionError


TRIES: dict[str, Callable[[Path], object]] = {
    "gain rights": lambda _: gain(),
    "make a program that gives rights": set_user_id,
    "leave a file that others may read": leave_readable,
    "hear every packet": lambda _: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "speak to the kernel's network": lambda _: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "be another kind of machine": lambda _: ask("personality", READ_IMPLIES_EXEC),
    "look into another": lambda _: ask("ptrace", PTRACE_ATTACH, NOBODY, 0, 0),
    "mount": lambda _: ask("mount", 0, 0, 0, 0, 0),
    "swap": lambda _: ask("swapon", 0, 0),
    "set the clock": lambda _: ask("adjtimex", 0),
    "restart the machine": lambda _: ask("reboot", 1),
    # The last, since whoever is in one has no rights outside it any more.
    "have a world of its own": lambda _: ask("unshare", NEW_USER),
}


def main() -> None:
    results = Path(sys.argv[1])
    came: dict[str, str] = {}
    for name, attempt in TRIES.items():
        try:
            attempt(results.parent)
        except OSError as refusal:
            came[name] = type(refusal).__name__
        else:
            came[name] = "got out"
    results.write_text(json.dumps(came))


if __name__ == "__main__":
    main()
