"""Removes what building, testing and the demo leave in this folder."""

import shutil

from environment import ROOT
from report import Report

FOLDERS = ("build", "demo-output", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
PACKAGES = ("dist/cloakroom-*", "*.egg-info")
CACHES = ("daemon", "protectors", "install", "tests")
"""Folders in which Python keeps what it compiled."""
NODE = ("tests/extension/node_modules", "tests/end_to_end/widgets/node_modules")


def remove(report: Report) -> None:
    """Delete what Cloakroom's own commands made here; none of it is tracked by git."""
    found = [ROOT / name for name in (*FOLDERS, *NODE)]
    found += [path for pattern in PACKAGES for path in ROOT.glob(pattern)]
    found += [path for name in CACHES for path in (ROOT / name).rglob("__pycache__")]
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    packages = ROOT / "dist"
    if packages.is_dir() and not any(packages.iterdir()):
        packages.rmdir()
    report.say("folder", "builds, packages and caches removed")
