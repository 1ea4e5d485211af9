"""The form of every published number: which command measured it, where, with what, and when."""

import json
import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import psutil

from daemon import VERSION
from daemon.wire.plain_text import plain_lines

CHECKOUT: Final = Path(__file__).resolve().parent.parent
"""The repository where Cloakroom runs from one."""

_PACKAGES: Final = ("torch", "torchvision", "numpy", "pillow", "aiohttp", "websockets")


def machine() -> dict[str, Any]:
    """Return the machine that measured; nothing of it names a person or a host."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory": psutil.virtual_memory().total,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def versions() -> dict[str, str]:
    found = {"cloakroom": VERSION, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def wrapped(figures: Mapping[str, float], command: str, seed: int | None) -> dict[str, Any]:
    """Figures with what is needed to judge and repeat them."""
    return {
        "figures": dict(figures),
        "command": command,
        "machine": machine(),
        "versions": versions(),
        "seed": seed,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def merged(before: Mapping[str, Any], part: str, made: Mapping[str, Any]) -> dict[str, Any]:
    """A file's contents with one part of it replaced, also by other keys than it had."""
    about = {name: value for name, value in made.items() if name != "figures"}
    parts = {**before.get("parts", {}), part: {"keys": sorted(made["figures"]), **about}}
    earlier = before.get("parts", {}).get(part, {}).get("keys", [])
    others = {key: value for key, value in before.get("figures", {}).items() if key not in earlier}
    return {"figures": {**others, **made["figures"]}, **about, "parts": parts}


def write(path: Path, measured: Mapping[str, Any]) -> None:
    """Replace a results file; nothing of an older run stays in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def say(line: str) -> None:
    """Progress of a measurement: on the error stream, so that the output stays the figures."""
    print(plain_lines(line), file=sys.stderr, flush=True)
