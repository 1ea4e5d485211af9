"""Albums of what counts as photos, and `protect -r` on them within this process."""

import json
import os
from pathlib import Path
from typing import Any

from daemon.album.journal import FOLDER
from daemon.cli import parser
from daemon.commands.protect_album import protect_album
from daemon.front.server import Server
from daemon.wire.protocol import PolicyRequest

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff\xe0"
BALANCED = PolicyRequest(protectors=("scene",), strength="balanced", sensitive=())


def photo(path: Path, words: str = "", head: bytes = PNG) -> Path:
    """Return bytes that are a photo to all but the worker, who is not asked here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + f"{path.name} {words}".encode("utf-8", "surrogateescape"))
    return path


def files(folder: Path) -> dict[str, bytes]:
    """Everything in an output folder but what belongs to us."""
    found = [path for path in folder.rglob("*") if path.is_file() and FOLDER not in path.parts]
    return {os.fsencode(path.relative_to(folder)).decode("latin-1"): path.read_bytes() for path in found}


async def run(server: Server, folder: Path, output: Path, *more: str, policy: PolicyRequest = BALANCED) -> int:
    command = ["protect", str(folder), "-r", "-o", str(output), "--state", str(server.settings.state), *more]
    return await protect_album(parser().parse_args(command), policy)


async def told(server: Server, folder: Path, output: Path, *more: str) -> dict[str, Any]:
    report = output.parent / "report.json"
    await run(server, folder, output, "--report", str(report), *more)
    value: dict[str, Any] = json.loads(report.read_text())
    return value
