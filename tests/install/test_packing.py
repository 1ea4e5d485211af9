"""The packed extension: the same bytes every time, and nothing but the extension's own files."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import packing
import pytest
from report import Report, StopInstallingError

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "extension"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the extension somewhere else, with other times and modes, and with leavings."""
    folder = tmp_path / "checkout"
    for name in packing.files_of(SOURCE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SOURCE / name, folder / name)
        os.utime(folder / name, (1, 1_700_000_000))
        (folder / name).chmod(0o600)
    for command in (["git", "init", "-q"], ["git", "add", "."]):
        subprocess.run(command, cwd=folder, check=True)
    (folder / ".DS_Store").write_bytes(b"x")
    return folder


def test_two_checkouts_pack_to_the_same_bytes(checkout: Path, tmp_path: Path) -> None:
    for source, target in ((SOURCE, tmp_path / "one"), (checkout, tmp_path / "two")):
        packing.pack_all(Report(True), source, target)
    for name in packing.NAMES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_only_the_extension_is_packed_and_all_of_it(tmp_path: Path) -> None:
    packing.pack_all(Report(True), SOURCE, tmp_path)
    with zipfile.ZipFile(tmp_path / packing.NAMES[0]) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == sorted(packing.files_of(SOURCE))
        assert {name.split("/")[0] for name in names} <= {path.name for path in SOURCE.iterdir()}
        manifest = json.loads(archive.read("manifest.json"))
        for name in (manifest["background"]["service_worker"], manifest["action"]["default_popup"], "page/sealed.js"):
            assert archive.read(name) == (SOURCE / name).read_bytes()


def test_a_folder_that_is_no_checkout_is_said(tmp_path: Path) -> None:
    with pytest.raises(StopInstallingError, match="checkout"):
        packing.pack(tmp_path, tmp_path / "out.zip")
