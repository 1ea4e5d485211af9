"""The state folder: 0700, its files 0600 and written whole or not at all."""

import contextlib
import os
import secrets
import stat
import sys
from pathlib import Path
from typing import IO, Annotated, Final

import msgspec
import platformdirs
from msgspec import Meta


class LocalAccess(msgspec.Struct, frozen=True):
    """The address and key of the running daemon, for the command line; only this user can read them."""

    port: Annotated[int, Meta(ge=1, le=65535)]
    client: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,64}\Z")]
    key: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    pid: Annotated[int, Meta(ge=1)]


class StateError(Exception):
    """The state folder cannot be used; the text says why and what to do."""


def state_folder(chosen: Path | None = None) -> Path:
    """The folder that --state, CLOAKROOM_STATE or the platform names, in this order."""
    if chosen is not None:
        return chosen
    named = os.environ.get("CLOAKROOM_STATE")
    return Path(named) if named else platformdirs.user_state_path("cloakroom", appauthor=False)


def prepare(folder: Path) -> Path:
    """Make the folder, for this user alone, and return it.

    Raises:
        StateError: it belongs to someone else, or is no folder that can be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix":
            found = folder.stat()
            if found.st_uid != os.getuid():
                raise StateError(f"{folder} belongs to another user. Choose another folder with --state.")
            if stat.S_IMODE(found.st_mode) & 0o077:
                folder.chmod(0o700)
    except OSError as problem:
        raise StateError(f"{folder} cannot be used ({problem.strerror}). Choose another with --state.") from None
    return folder


def write_private(path: Path, data: bytes) -> None:
    """Replace a file in one step; it is never readable for others, not even while it is written."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_local(folder: Path, access: LocalAccess) -> None:
    write_private(folder / "local.json", msgspec.json.encode(access))


def read_local(folder: Path) -> LocalAccess | None:
    """How to reach the daemon of this state folder, None if none has left word."""
    try:
        return msgspec.json.decode((folder / "local.json").read_bytes(), type=LocalAccess)
    except (OSError, msgspec.DecodeError):
        return None


def remove_local(folder: Path, access: LocalAccess) -> None:
    """Take back our own word, not that of a daemon which came later."""
    if read_local(folder) == access:
        (folder / "local.json").unlink(missing_ok=True)


def is_locked(folder: Path) -> bool:
    """Whether a process that is alive holds the folder's lock. One that tries to take it in this very instant fails."""
    lock = Lock(folder)
    # Opening would make it.
    if not (folder / "lock").is_file():
        return False
    try:
        lock.acquire()
    except StateError:
        return True
    except OSError:
        return False
    lock.release()
    return False


HELD: Final = "A daemon already runs with this state folder. Stop it, or choose another with --state."


class Lock:
    """Held by the one process that may use a folder, the daemon its state folder; the system lets go of it when that dies.

    Args:
        folder: has the lock's file.
        held: the sentence for whoever comes second.
    """

    def __init__(self, folder: Path, held: str = HELD) -> None:
        self._path = folder / "lock"
        self._held = held
        self._file: IO[bytes] | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            StateError: another process holds it.
        """
        file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise StateError(self._held) from None
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
