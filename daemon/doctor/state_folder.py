"""The state folder: there, ours, for us alone, and with room."""

import contextlib
import errno
import os
import secrets
import shlex
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from daemon.doctor.finding import Finding, Place

AREA: Final = "state folder"
ROOM: Final = 1024**2
"""Bytes that can be written: a pairing takes 300, and something has to be left."""

AHEAD_SECONDS: Final = 24 * 3600.0
UNUSABLE: Final = frozenset({"state-not-folder", "state-unusable", "state-owner"})
"""Faults with which nothing inside the folder can be examined."""

ELSEWHERE: Final = "or choose another folder with --state."


def check(place: Place) -> Iterator[Finding]:
    folder = place.state
    if not folder.exists():
        yield _to_be_made(folder)
        return
    if not folder.is_dir():
        advice = f"Move it away, {ELSEWHERE}"
        yield Finding("state-not-folder", AREA, f"{folder} is a file", advice)
        return
    try:
        wrong = [*_owner(folder), *_modes(folder), *_files(folder), *_room(folder), *_times(folder)]
    except OSError as problem:
        yield _unusable(folder, problem)
        return
    yield from wrong
    if not wrong:
        yield Finding("state", AREA, f"{folder}, for you alone")


def _to_be_made(folder: Path) -> Finding:
    parent = next(one for one in folder.absolute().parents if one.exists())
    if os.access(parent, os.W_OK | os.X_OK):
        return Finding("state", AREA, f"{folder} will be made when the daemon first starts")
    advice = f"Make {parent} writable for you, {ELSEWHERE}"
    return Finding("state-unusable", AREA, f"{folder} cannot be made, because {parent} is not writable", advice)


def _unusable(folder: Path, problem: OSError) -> Finding:
    advice = f"Make it yours and writable (`chmod u+rwx '{folder}'`), {ELSEWHERE}"
    return Finding("state-unusable", AREA, f"{folder} cannot be used ({problem.strerror})", advice)


def _owner(folder: Path) -> Iterator[Finding]:
    if os.name == "posix" and folder.stat().st_uid != os.getuid():
        advice = f"If it is yours, run: sudo chown -R \"$(id -un)\" '{folder}'; {ELSEWHERE}"
        yield Finding("state-owner", AREA, f"{folder} belongs to another user", advice)


def _modes(folder: Path) -> Iterator[Finding]:
    if os.name != "posix" or folder.stat().st_uid != os.getuid():
        return
    wide = [one for one in (folder, folder / "clients") if one.is_dir() and _is_open(one)]
    if wide:

        def close() -> str:
            for one in wide:
                one.chmod(0o700)
            return "They are for you alone now."

        advice = f"Run: {shlex.join(['chmod', '700', *map(str, wide)])}"
        yield Finding("state-open", AREA, f"others may look into {wide[0]}", advice, close)


def _files(folder: Path) -> Iterator[Finding]:
    """Keys and what leads to them; models are no secret."""
    if os.name != "posix" or folder.stat().st_uid != os.getuid():
        return
    files = [
        one for directory in (folder, folder / "clients") if directory.is_dir() for one in directory.iterdir() if one.is_file()
    ]
    strange = [one for one in files if one.stat().st_uid != os.getuid() or not os.access(one, os.R_OK)]
    if strange:
        found = f"{len(strange)} file(s) are not yours to read, among them {strange[0].name}"
        advice = f"Run: sudo chown -R \"$(id -un)\" '{folder}'. Start Cloakroom without sudo from now on."
        yield Finding("file-owner", AREA, found, advice)
    readable = [one for one in files if one not in strange and _is_open(one)]
    if readable:

        def close() -> str:
            for one in readable:
                one.chmod(0o600)
            return "They are readable by you alone now."

        found = f"others can read {readable[0].name}, which may hold a key"
        command = shlex.join(["chmod", "600", *map(str, readable)])
        advice = f"Run: {command}. Where others use this machine, revoke that browser and pair it again."
        yield Finding("file-open", AREA, found, advice, close)


def _is_open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _room(folder: Path) -> Iterator[Finding]:
    """By writing: quotas and full disks show themselves to those who write, and to nobody else."""
    probe = folder / f".doctor.{secrets.token_hex(4)}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(bytes(ROOM))
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            advice = f"Delete what you do not need on that disk, {ELSEWHERE} Pairings could not be kept."
            yield Finding("disk-full", AREA, f"there is no room left in {folder}", advice)
        else:
            yield _unusable(folder, problem)
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def _times(folder: Path) -> Iterator[Finding]:
    now = time.time()
    ahead = [one for one in folder.rglob("*") if one.is_file() and one.stat().st_mtime > now + AHEAD_SECONDS]
    if ahead:

        def bring_back() -> str:
            for one in ahead:
                os.utime(one)
            return "Their times are of now; if the clock is wrong, set it right."

        found = f"{len(ahead)} file(s) are from the future, among them {ahead[0].name}: the clock was, or is, wrong"
        advice = "Compare the machine's date with a watch and set it right (Linux: `timedatectl`); then run this with --fix."
        yield Finding("clock-ahead", AREA, found, advice, bring_back)
