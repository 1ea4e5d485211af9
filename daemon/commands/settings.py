"""`cloakroom settings`: what counts and where it came from, and an example of the file with every key explained."""

import argparse
import textwrap

import msgspec
from rich.console import Console
from rich.table import Table

from daemon.commands.console import FAILED, OK, Subparsers, add_command, complain, echo, print_json
from daemon.state import settings

WIDTH = 100


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "settings", "Print the settings that count and where each came from, or an example file.")
    parser.add_argument("what", nargs="?", choices=("show", "example"), default="show", help="show (default) or example")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.what == "example":
        print_json({"example": example()}) if args.json else echo(example(), end="")
        return OK
    try:
        effective = settings.read()
    except settings.SettingsError as problem:
        complain(args, str(problem))
        return FAILED
    if args.json:
        values = msgspec.to_builtins(effective.values)
        told = {name: {"value": values[name], "from": origin} for name, origin in effective.origins.items()}
        print_json({"file": str(effective.file), "exists": effective.file.exists(), "settings": told})
        return OK
    table = Table(box=None)
    for heading in ("setting", "value", "from"):
        table.add_column(heading, overflow="fold")
    for name, origin in effective.origins.items():
        # Without markup: a value in brackets is no style.
        table.add_row(name, settings.shown(getattr(effective.values, name)), origin)
    console = Console(markup=False)
    console.print(table)
    state = "read" if effective.file.exists() else "not there, which is well; `cloakroom settings example` prints one"
    echo(f"\n{effective.file}: {state}")
    return OK


def example() -> str:
    """A file that says what every key means, each set to its default and commented out."""
    head = (
        f"Settings of Cloakroom, in TOML. Keep this file as {settings.settings_file()}, uncomment the lines that you change, "
        "and restart the daemon (`cloakroom service stop`, then `start`). A variable in the environment counts for more than "
        "this file, an option of `cloakroom serve` for more than both."
    )
    parts = [_comment(head)]
    for key in settings.KEYS.values():
        about = _comment(f"{key.about} Takes {key.takes}. Variable: {key.variable}.")
        parts.append(f"{about}\n#{key.name} = {settings.shown(key.default)}")
    return "\n\n".join(parts) + "\n"


def _comment(text: str) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False
    )
