"""Packs the extension, a zip for Chromium and an xpi for Firefox: the same bytes whoever packs the same files."""

import subprocess
import zipfile
from pathlib import Path

from report import Report, StopInstallingError

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold; the files' own differ with every checkout."""

NAMES = ("cloakroom-chromium.zip", "cloakroom-firefox.xpi")


def files_of(folder: Path) -> list[str]:
    """What git knows of the extension, sorted: an editor's or a system's leavings are no part of it.

    Raises:
        StopInstallingError: this is no git checkout.
    """
    done = subprocess.run(["git", "ls-files", "-z"], cwd=folder, capture_output=True, check=False)
    names = sorted(name.decode() for name in done.stdout.split(b"\0") if name)
    if done.returncode != 0 or not names:
        raise StopInstallingError(f"packing needs git and a checkout of it at {folder}: {done.stderr.decode().strip()}")
    return names


def pack(source: Path, target: Path) -> None:
    """Write one archive: fixed order, times, modes and compression."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in files_of(source):
            entry = zipfile.ZipInfo(name, EPOCH)
            # Else it would say on which system it was packed.
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, (source / name).read_bytes())


def pack_all(report: Report, source: Path, folder: Path) -> None:
    """Both archives into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        pack(source, folder / name)
        report.say("extension", f"packed {folder / name}")
