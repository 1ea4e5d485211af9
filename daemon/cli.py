"""The `cloakroom` command."""

import argparse
import sys
from collections.abc import Sequence

from daemon import VERSION
from daemon.commands import (
    bench,
    cluster,
    dashboard,
    doctor,
    evaluate,
    forget,
    models,
    pair,
    protect,
    serve,
    service,
    settings,
    status,
    train,
)

COMMANDS = (
    serve, service, protect, pair, status, dashboard, cluster, settings, models, doctor, evaluate, bench, train, forget
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="cloakroom",
        description="Changes photos a little before they are uploaded, so that the models it knows no longer read them.",
    )
    top.add_argument("--version", action="version", version=f"cloakroom {VERSION}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 not all of it, 2 misused, 3 no daemon."""
    args = parser().parse_args(arguments)
    status: int = args.run(args)
    return status


if __name__ == "__main__":
    sys.exit(main())
