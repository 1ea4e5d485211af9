"""`cloakroom` as a process, with the models of another manifest: `python -m tests.daemon.other_models FOLDER COMMAND …`.

A synthetic checkpoint stands for an official one, or damaged weights for embedded ones; all else is the command itself.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from protectors import manifest
from protectors.manifest import Entry


def write_manifest(folder: Path, *entries: Entry) -> None:
    """A manifest of these models, whose own files (if any) lie in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    models = [{**asdict(entry), "file": entry.file.name if entry.file else None} for entry in entries]
    (folder / "manifest.json").write_text(json.dumps({"models": models}), encoding="utf-8")


def command(folder: Path, *arguments: str | Path) -> list[str]:
    """The command line that runs `cloakroom` with these models."""
    # By its path, and without its folder on the path of modules: nothing is found that an installed Cloakroom does not have.
    return [sys.executable, "-P", __file__, str(folder), *map(str, arguments)]


if __name__ == "__main__":
    # Before anything else asks for it.
    manifest.FOLDER = Path(sys.argv[1])
    from daemon.cli import main

    sys.exit(main(sys.argv[2:]))
