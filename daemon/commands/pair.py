"""`cloakroom pair`: let a browser in, see which are, show one out."""

import argparse
import asyncio
import time
from datetime import datetime

import msgspec

from daemon.client import DaemonClient, NoDaemonError
from daemon.commands.console import (
    FAILED,
    NO_DAEMON,
    OK,
    START_HINT,
    Subparsers,
    add_command,
    chosen_state,
    complain,
    echo,
    print_json,
)
from daemon.wire.errors import CloakroomError
from daemon.wire.plain_text import plain


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "pair", "Show a code that lets one browser in: single use, two minutes, five tries.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--list", action="store_true", help="list the paired browsers")
    choice.add_argument("--revoke", metavar="ID", help="forget a browser and close its connections")
    choice.add_argument("--no-wait", action="store_true", help="print the code and do not wait for the browser")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    try:
        return asyncio.run(_pair(args))
    except NoDaemonError:
        complain(args, START_HINT)
        return NO_DAEMON
    except CloakroomError as problem:
        complain(args, problem.sentence)
        return FAILED
    except KeyboardInterrupt:
        return FAILED


async def _pair(args: argparse.Namespace) -> int:
    async with await DaemonClient.open_local(chosen_state(args)) as client:
        if args.list:
            return await _list(client, args)
        if args.revoke:
            await client.revoke(args.revoke)
            if args.json:
                print_json({"revoked": args.revoke})
            else:
                echo(f"{args.revoke} is forgotten and its connections are closed.")
            return OK
        return await _show_code(client, args)


async def _list(client: DaemonClient, args: argparse.Namespace) -> int:
    entries = await client.clients()
    if args.json:
        print_json({"clients": msgspec.to_builtins(entries)})
        return OK
    if not entries:
        echo("No browser is paired. Run `cloakroom pair`.")
    for entry in entries:
        created = datetime.fromtimestamp(entry.created).astimezone()
        echo(f"{entry.client}  {plain(entry.label)}  ({entry.origin_kind}, paired {created:%Y-%m-%d %H:%M})")
    return OK


async def _show_code(client: DaemonClient, args: argparse.Namespace) -> int:
    known = {entry.client for entry in await client.clients()}
    code = await client.open_pairing()
    if args.json:
        # For programs, which look with --list whether it was used.
        print_json({"code": code.code, "seconds": code.seconds})
        return OK
    echo(f"Type this code on the extension's options page, within {code.seconds} seconds:\n\n    {code.code}\n")
    if args.no_wait:
        return OK
    until = time.monotonic() + code.seconds
    while time.monotonic() < until:
        await asyncio.sleep(0.5)
        new = [entry for entry in await client.clients() if entry.client not in known]
        if new:
            echo(f"{plain(new[0].label)} is paired.")
            return OK
    complain(args, "The code is no longer valid. Run `cloakroom pair` for a new one.")
    return FAILED
