"""Packs the extension: a ZIP for Chromium's browsers and an XPI for Firefox, the same bytes from the same files every time.

One manifest serves both browsers while the extension is worked on; each package's own has no key that only the other knows.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

from environment import ROOT
from report import Report

EXTENSION = ROOT / "extension"
PACKAGES = ROOT / "dist"

CHROMIUMS = ("key", "message_serialization", "minimum_chrome_version", "storage")
FIREFOXS = ("browser_specific_settings",)
"""Keys of the manifest that one browser alone knows. Firefox has structured messages anyway, derives its id from its own
settings, and reads what an organisation manages without a schema."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP can hold: when a file was written says nothing about what is in it."""


def for_chromium(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest without what only Firefox knows."""
    return _without(manifest, FIREFOXS, "scripts")


def for_firefox(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest without what only Chromium knows."""
    return _without(manifest, CHROMIUMS, "service_worker")


def _without(manifest: dict[str, Any], keys: tuple[str, ...], background: str) -> dict[str, Any]:
    kept = {key: value for key, value in manifest.items() if key not in keys}
    return {**kept, "background": {key: value for key, value in manifest["background"].items() if key != background}}


def pack(target: Path, manifest: dict[str, Any], extension: Path = EXTENSION) -> None:
    """Write the extension with this manifest into one archive: every file but hidden ones and type declarations."""
    target.parent.mkdir(parents=True, exist_ok=True)
    encoded = json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n"
    # Stored, not deflated: what a compressor writes changes with its version, and a quarter of a megabyte may stay one.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        # By name, not by path: a folder's files sort differently as paths.
        for name, path in sorted((path.relative_to(extension).as_posix(), path) for path in extension.rglob("*")):
            if not path.is_file() or name.endswith(".d.ts") or any(part.startswith(".") for part in Path(name).parts):
                continue
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, encoded if name == "manifest.json" else path.read_bytes())


def pack_both(report: Report, folder: Path = PACKAGES) -> None:
    """Both packages, named with the version."""
    manifest = json.loads((EXTENSION / "manifest.json").read_text(encoding="utf-8"))
    for name, variant in (("chromium.zip", for_chromium(manifest)), ("firefox.xpi", for_firefox(manifest))):
        target = folder / f"cloakroom-{manifest['version']}-{name}"
        pack(target, variant)
        report.say("extension", f"packed {target} ({target.stat().st_size // 1024} kB)")
