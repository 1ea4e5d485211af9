"""`cloakroom forget`: delete what Cloakroom keeps of its own, pairings and models, before it is uninstalled."""

import argparse
import contextlib
import shutil
from pathlib import Path

from daemon.commands.console import FAILED, OK, Subparsers, add_command, cache_folder, chosen_state, complain, echo, print_json
from daemon.models.registries import leftovers
from daemon.models.store import model_folder
from daemon.state.folder import Lock, StateError
from protectors.generators import store
from protectors.manifest import TRAINED


def add(commands: Subparsers) -> None:
    summary = "Delete every pairing, and every model that was pulled, imported or trained. Stop the daemon first."
    parser = add_command(commands, "forget", summary)
    parser.add_argument("--cache", action="store_true", help="what evaluations have measured and their report as well")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    state, cache = chosen_state(args), cache_folder()
    lock = Lock(state)
    try:
        if state.is_dir():
            lock.acquire()
    except (StateError, OSError):
        complain(args, "A daemon runs with this state folder. Stop it first.")
        return FAILED
    try:
        removed = _remove(state) + (_remove_cache(cache) if args.cache else 0)
    except OSError as problem:
        complain(args, f"{problem.filename or state} could not be deleted ({problem.strerror}).")
        return FAILED
    finally:
        lock.release()
    with contextlib.suppress(OSError):
        (state / "lock").unlink()
    # A folder that also holds files of someone else's stays. On Windows the cache folder lies in that of the state.
    for folder in (cache, state) if args.cache else (state,):
        with contextlib.suppress(OSError):
            folder.rmdir()
    return _done(args, removed)


def _remove(folder: Path) -> int:
    """Only what we wrote: --state may have named a folder that holds other things too."""
    clients, models = folder / "clients", model_folder(folder)
    imported, trained = store(models), models / TRAINED
    ours = {
        folder: ("local.json", "metrics.token", "metrics.sock", "cluster.token", "dashboard-*.html"),
        clients: ("c-*.json",),
        imported: ("*.safetensors", "*.json"),
        # Among them what a training that was stopped would go on from.
        trained: ("*.safetensors", "manifest.json", "*.run", "*.new"),
        models: ("*.safetensors", "*.sha256", ".*.part", ".*.part.json", "lock"),
    }
    found = [path for place, patterns in ours.items() for pattern in patterns for path in place.glob(pattern)]
    present = [path for path in found if path.is_file() or path.is_socket()]
    for path in present:
        path.unlink()
    for package in leftovers(models):
        shutil.rmtree(package)
    for place in (clients, imported, trained, models):
        with contextlib.suppress(OSError):
            place.rmdir()
    return len(present)


def _remove_cache(folder: Path) -> int:
    """Folders that `cloakroom evaluate` makes in the cache."""
    ours = [place for place in (folder / "evaluation", folder / "report") if place.is_dir()]
    files = sum(path.is_file() for place in ours for path in place.rglob("*"))
    for place in ours:
        shutil.rmtree(place)
    return files


def _done(args: argparse.Namespace, removed: int) -> int:
    if args.json:
        print_json({"removed": removed})
    else:
        echo(f"Removed {removed} files. Browsers that were paired have to be paired again.")
    return OK
