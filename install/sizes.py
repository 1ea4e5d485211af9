"""Tells the download, room and time of an installation, before it begins and while it runs."""

import os
import shutil
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from report import Report, StopInstallingError

LOOKS_EVERY = 3.0
"""Seconds between two looks at how much has come."""

MARGIN = 500_000_000
"""Bytes that stay free besides."""


@dataclass(frozen=True)
class Size:
    """Bytes, as measured with torch 2.14 on Linux."""

    download: int
    disk: int

    def __str__(self) -> str:
        return f"about {gigabytes(self.download)} to download, {gigabytes(self.disk)} on disk"


CUDA = Size(3_100_000_000, 6_200_000_000)
"""PyTorch with the libraries of NVIDIA's graphics cards: the registry's build for Linux."""
CPU = Size(250_000_000, 1_100_000_000)
"""PyTorch for processors alone."""


def gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB"


def need_room(report: Report, size: Size, folder: Path) -> None:
    """Say what it takes, and stop where the disk has no room for it: the download lies there too while it is unpacked."""
    free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
    report.say("packages", f"{size} in {folder}; {gigabytes(free)} are free there")
    wanted = size.download + size.disk + MARGIN
    if free < wanted:
        raise StopInstallingError(
            f"not enough room: the disk of {folder} has {gigabytes(free)} free, and {gigabytes(wanted)} are needed while "
            "installing. Free some, or move this folder to another disk; then run the same command again"
        )


def bytes_in(folder: Path) -> int:
    """How much lies in a folder now, while others write and delete there."""
    total, folders = 0, [str(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for one in entries:
                    try:
                        if one.is_dir(follow_symlinks=False):
                            folders.append(one.path)
                        else:
                            total += one.stat(follow_symlinks=False).st_size
                    except OSError:
                        continue
        except OSError:
            continue
    return total


class Progress:
    """While it is entered, a line in the terminal says how much is there and how long the rest takes; nothing elsewhere.

    Args:
        environment: what is filled.
        downloads: where pip keeps files until they are unpacked.
    """

    def __init__(self, report: Report, size: Size, environment: Path, downloads: Path) -> None:
        self._is_shown = sys.stdout.isatty() and not report.as_json
        self._size, self._environment, self._downloads = size, environment, downloads
        self._before = 0
        self._fetched = 0
        self._begun = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> None:
        if self._is_shown:
            self._before = bytes_in(self._environment)
            self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        if self._is_shown:
            self._thread.join()
            print("\r\033[K", end="", flush=True)

    def _show(self) -> None:
        while not self._ended.wait(LOOKS_EVERY):
            print(f"\r\033[K{self.line()}", end="", flush=True)

    def line(self) -> str:
        """Return the text that is shown now."""
        downloads = bytes_in(self._downloads)
        self._fetched = max(self._fetched, downloads)
        unpacked = max(0, bytes_in(self._environment) - downloads - self._before)
        share = min(0.99, (self._fetched + unpacked) / (self._size.download + self._size.disk))
        elapsed = time.monotonic() - self._begun
        left = f", about {minutes(elapsed * (1 - share) / share)} left" if share > 0.02 and elapsed > 5 else ""
        return f"  {share:4.0%}  {gigabytes(self._fetched)} fetched, {gigabytes(unpacked)} installed{left}"


def minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
