"""The pretrained networks that `python3 install test` has pulled beside the environment, for tests that need real ones."""

import contextlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from daemon.models.store import model_folder
from protectors.manifest import model_set

FOLDER = model_folder(Path(sys.prefix) / "pretrained")

ARE_HERE = model_set(FOLDER) == "pretrained"

needs_networks = pytest.mark.skipif(
    not ARE_HERE, reason="the pretrained networks could not be fetched: `python3 install test` pulls them"
)


def place_networks(state: Path) -> None:
    """Put them into a state folder, as `cloakroom models pull` would; nothing where they are not here."""
    if ARE_HERE:
        target = model_folder(state)
        target.mkdir(parents=True, mode=0o700)
        for file in FOLDER.glob("*.s*"):
            _link_or_copy(file, target / file.name)


def _link_or_copy(source: Path, target: Path) -> None:
    with contextlib.suppress(OSError):
        os.link(source, target)
        return
    shutil.copy2(source, target)
