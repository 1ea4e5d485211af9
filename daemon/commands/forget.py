"""`cloakroom forget`: delete what Cloakroom keeps of its own, pairings and pulled models, before it is uninstalled."""

import argparse
import contextlib
from pathlib import Path

from daemon.commands.console import FAILED, OK, Subparsers, add_command, chosen_state, complain, print_json
from daemon.state import Lock, StateError


def add(commands: Subparsers) -> None:
    add_command(commands, "forget", "Delete every pairing and pulled model. Stop the daemon first.").set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    folder = chosen_state(args)
    if not folder.is_dir():
        return _done(args, 0)
    lock = Lock(folder)
    try:
        lock.acquire()
    except (StateError, OSError):
        complain(args, "A daemon runs with this state folder. Stop it first.")
        return FAILED
    try:
        removed = _remove(folder)
    except OSError as problem:
        complain(args, f"{folder} could not be emptied ({problem.strerror}).")
        return FAILED
    finally:
        lock.release()
    (folder / "lock").unlink(missing_ok=True)
    # A folder that also holds files of someone else's stays.
    with contextlib.suppress(OSError):
        folder.rmdir()
    return _done(args, removed)


def _remove(folder: Path) -> int:
    """Only what we wrote: --state may have named a folder that holds other things too."""
    ours = [
        *(folder / "clients").glob("c-*.json"),
        *(folder / "models").glob("*.safetensors"),
        *(folder / "models").glob("*.sha256"),
        folder / "local.json",
    ]
    present = [path for path in ours if path.is_file()]
    for path in present:
        path.unlink()
    for name in ("clients", "models"):
        with contextlib.suppress(OSError):
            (folder / name).rmdir()
    return len(present)


def _done(args: argparse.Namespace, removed: int) -> int:
    if args.json:
        print_json({"removed": removed})
    else:
        print(f"Removed {removed} files. Browsers that were paired have to be paired again.")
    return OK
