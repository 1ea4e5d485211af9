"""The packed extension: the extension's files and no others, the same bytes every time, a manifest for one browser."""

import json
import subprocess
import zipfile
from pathlib import Path

import packing
import pytest
from report import Report


@pytest.fixture
def packages(tmp_path: Path) -> dict[str, Path]:
    packing.pack_both(Report(as_json=False), tmp_path)
    return {path.suffix: path for path in tmp_path.iterdir()}


def test_both_hold_every_file_of_the_extension_and_nothing_else(packages: dict[str, Path]) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=packing.EXTENSION, capture_output=True, text=True, check=True
    )
    present = {name for name in tracked.stdout.splitlines() if (packing.EXTENSION / name).is_file()}
    # Types of the page scripts, which no browser reads.
    declarations = {"page.d.ts"}
    assert declarations <= present
    files = sorted(present - declarations)
    assert set(packages) == {".zip", ".xpi"}
    for package in packages.values():
        with zipfile.ZipFile(package) as archive:
            assert archive.testzip() is None
            assert archive.namelist() == files
            for name in files:
                if name != "manifest.json":
                    assert archive.read(name) == (packing.EXTENSION / name).read_bytes()


def test_each_manifest_has_what_its_browser_knows(packages: dict[str, Path]) -> None:
    manifests = {suffix: json.loads(zipfile.ZipFile(package).read("manifest.json")) for suffix, package in packages.items()}
    shared = json.loads((packing.EXTENSION / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifests[".zip"]["background"]) == {"service_worker", "type"}
    assert set(manifests[".xpi"]["background"]) == {"scripts", "type"}
    assert set(shared) - set(manifests[".zip"]) == {"browser_specific_settings"}
    # Whoever pairs knows Chromium's extension by the id that its key makes.
    assert manifests[".zip"]["key"] == shared["key"]
    assert manifests[".xpi"]["browser_specific_settings"] == shared["browser_specific_settings"]
    assert not {"key", "message_serialization"} & set(manifests[".xpi"])


def test_twice_the_same_bytes_whenever_the_files_were_written(packages: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for path in sorted(packing.EXTENSION.rglob("*"), reverse=True):
        if path.is_file():
            target = copy / path.relative_to(packing.EXTENSION)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    packing.pack(tmp_path / "again.zip", packing.for_chromium(manifest), copy)
    assert (tmp_path / "again.zip").read_bytes() == packages[".zip"].read_bytes()


def test_hidden_files_stay_out(tmp_path: Path) -> None:
    folder = tmp_path / "extension"
    (folder / ".idea").mkdir(parents=True)
    for name in ("manifest.json", ".DS_Store", ".idea/workspace.xml", "page.js"):
        (folder / name).write_text("{}")
    packing.pack(tmp_path / "packed.zip", {"name": "Cloakroom"}, folder)
    with zipfile.ZipFile(tmp_path / "packed.zip") as archive:
        assert archive.namelist() == ["manifest.json", "page.js"]
        assert json.loads(archive.read("manifest.json")) == {"name": "Cloakroom"}
