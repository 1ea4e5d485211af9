"""`cloakroom bench daemon` and `bench speed`: measurements by their parts, each in a file of its own in tests/benchmarks."""

import argparse
import asyncio
import importlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any

from daemon.client import NoDaemonError
from daemon.commands.console import FAILED, OK, Subparsers, add_command, complain, end_on_sigterm, print_json
from daemon.figures import CHECKOUT, merged, say, wrapped, write
from daemon.wire.errors import CloakroomError

RESULTS = CHECKOUT / "tests" / "benchmarks" / "results"
SEED = 0

PARTS = {
    "large": "a photo of 12 megapixels: seconds by stage, memory (needs scikit-image)",
    "front": "start, memory, and wakeups at rest",
    "hostile": "hostile handshakes, sessions and crowds, and what a paired client notices (13 minutes)",
    "strangers": "2,000 connections a second while a client comes in, and what 60 strangers grow the front by (2 minutes)",
    "fuzz": "200,000 mutated files and 20,000 messages (half an hour; needs atheris)",
    "chaos": "500 jobs while the worker and the daemon are killed at random",
    "batch": "photos computed together, against one at a time (needs scikit-image)",
    "load": "64 clients at once for 5 minutes",
    "soak": "photos for 30 minutes, and the memory meanwhile (needs matplotlib)",
    "fetch": "models whose fetching is killed, and flipped bits",
    "doctor": "faults that the doctor has to name",
    "ray": "an album on a Ray cluster of two workers (needs ray)",
}
SPEED_PARTS = {
    "photos": "seconds from a photo to its cloaked file, by size and strength; with AVX2 alone beside the best (15 minutes)",
    "memory": "the most memory that photos of 12 megapixels take",
    "overhead": "the steps of each protector beside the bare passes of its networks",
    "peers": "steps and JPEG beside those of torchattacks, Foolbox, ART and kornia (pip install 'cloakroom[peers]')",
    "detectors": "Object Disappearance beside ART's attack on a detector and TOG's loop (pip install 'cloakroom[peers]')",
    "curve": "what networks still read in cloaked photos, over the seconds that more steps take (6 minutes)",
}
GROUPS = {"daemon": PARTS, "speed": SPEED_PARTS}
MODULES = {"ray": "cluster", "detectors": "detector_peers"}
"""Files of parts that are named otherwise, as where a part has the name of the library that it measures."""


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "bench", "Measure the daemon, or how quickly photos are cloaked, all of it or by parts.")
    parser.add_argument("what", choices=tuple(GROUPS))
    for group, parts in GROUPS.items():
        for part, help_text in parts.items():
            parser.add_argument(f"--{part}", dest="parts", action="append_const", const=part, help=f"{group}: {help_text}")
    parser.add_argument("--output", type=Path, metavar="FILE", help=f"results file ({RESULTS}/WHAT.json)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    end_on_sigterm()
    # The measurements are part of the repository, not of the package.
    sys.path.insert(0, str(CHECKOUT))
    parts, output = GROUPS[args.what], args.output or RESULTS / f"{args.what}.json"
    for part in args.parts or parts:
        if part not in parts:
            complain(args, f"`--{part}` is no part of `bench {args.what}`. Its parts: {', '.join(parts)}.")
            return FAILED
        say(f"{part}: {parts[part]}")
        try:
            measured = wrapped(_measure(args.what, part), f"cloakroom bench {args.what} --{part}", SEED)
        except ModuleNotFoundError as problem:
            complain(args, f"{problem.name} is not installed, which `--{part}` needs. Run this from a checkout, or install it.")
            return FAILED
        except NoDaemonError:
            complain(args, "The daemon could not be started. Run `cloakroom doctor`.")
            return FAILED
        except CloakroomError as problem:
            complain(args, problem.sentence)
            return FAILED
        written = merged(_written(output), part, measured)
        write(output, written)
        for key, value in measured["figures"].items():
            say(f"{key:32} {value:.6g}")
    if args.json:
        print_json(written)
    return OK


def _measure(group: str, part: str) -> dict[str, float]:
    made = importlib.import_module(f"tests.benchmarks.{group}.{MODULES.get(part, part)}").measure()
    figures: dict[str, float] = asyncio.run(made) if inspect.iscoroutine(made) else made
    return figures


def _written(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
