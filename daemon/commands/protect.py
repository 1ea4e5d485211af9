"""`cloakroom protect`: the way of a photo through the daemon, from the shell."""

import argparse
import asyncio
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from daemon.client import DaemonClient, NoDaemonError
from daemon.cluster.joining import ClusterError
from daemon.commands.console import (
    FAILED,
    NO_DAEMON,
    OK,
    USAGE,
    Subparsers,
    add_command,
    complain,
    end_on_sigterm,
    has_wrong_seconds,
    print_json,
)
from daemon.commands.protect_album import protect_album
from daemon.commands.reaching import daemon_for
from daemon.commands.showing import Showing, showing_for
from daemon.state.folder import StateError, write_private
from daemon.wire.errors import CloakroomError
from daemon.wire.protocol import LIMITS, PolicyRequest
from protectors.channel.sites import names
from protectors.names import DEFAULT, PROTECTORS

BUSY_TRIES = 30
POLICY_RULES = "--protector takes 1 to 8 lower-case names, --sensitive at most 128 classes of at most 64 letters. Check them."


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "protect", "Cloak photos: JPEG, PNG and WebP, several at once.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a photo, or with -r a folder")
    parser.add_argument("-r", "--recursive", action="store_true", help="a folder and all below it; goes on where it was")
    parser.add_argument("--report", type=Path, metavar="FILE", help="with -r: what became of each, as JSON and as a page")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="where cloaked photos go (without it: a.cloaked.jpg beside a.jpg)",
    )
    parser.add_argument(
        "--strength", choices=("instant", "subtle", "balanced", "strong"), default="balanced", help="(%(default)s)"
    )
    parser.add_argument(
        "--protector",
        "--protectors",
        dest="protectors",
        default=",".join(DEFAULT),
        metavar="NAME",
        help=f"{', '.join(PROTECTORS)}; several with commas between (%(default)s)",
    )
    parser.add_argument("--sensitive", default="", help="detector classes to hide, with commas between (all)")
    parser.add_argument(
        "--channel",
        choices=names(),
        metavar="SITE",
        help=f"say also what is read in what it keeps: {', '.join(names())}",
    )
    parser.add_argument(
        "--cluster",
        metavar="WHERE",
        help="with -r: on a Ray cluster; `local` for this run, `auto` as it runs here, or HOST:PORT",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="with --cluster: photos at once (as many as fit)")
    parser.add_argument("--private", action="store_true", help="start a daemon for this run alone")
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="with --private or --cluster: a photo always comes out the same, unless --seconds ends it",
    )
    parser.add_argument("--threads", type=int, metavar="N", help="with --private or --cluster: CPU threads of a worker")
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="N",
        help="with --private or --cluster: about the most that a photo takes",
    )
    parser.add_argument("--force", action="store_true", help="overwrite cloaked photos that are there already")
    parser.add_argument(
        "--keep-unprotected", action="store_true", help="write a photo also if an adversary still recognises it"
    )
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class FileOutcome:
    """How one file ended: where its copy was written, or why there is none."""

    file: Path
    output: Path | None = None
    report: dict[str, Any] | None = None
    code: str | None = None
    sentence: str | None = None

    @property
    def good(self) -> bool:
        return self.code is None

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"file": str(self.file), "output": str(self.output) if self.output else None}
        if self.report is not None:
            told["report"] = self.report
        if self.code is not None:
            told["error"] = {"code": self.code, "message": self.sentence}
        return told


def run(args: argparse.Namespace) -> int:
    end_on_sigterm()
    own = (args.seed, args.threads, args.seconds)
    if any(option is not None for option in own) and not args.private and args.cluster is None:
        complain(
            args, "--seed, --threads and --seconds are a worker's own. Add --private or --cluster to have one for this run."
        )
        return USAGE
    if has_wrong_seconds(args):
        return USAGE
    if (args.report is not None or args.cluster is not None) and not args.recursive:
        complain(args, "--report and --cluster are for a folder. Add -r, or leave them out.")
        return USAGE
    if args.recursive and args.output is None:
        complain(args, "The cloaked photos of a folder go to another one. Name it with -o.")
        return USAGE
    targets = [target_of(path, args.output) for path in args.files]
    twice = next((target for target in targets if targets.count(target) > 1), None)
    if twice is not None:
        complain(args, f"Two of the files would become {twice}. Cloak them into two folders, or name each once.")
        return USAGE
    try:
        policy = _policy(args)
    except msgspec.ValidationError:
        complain(args, POLICY_RULES)
        return USAGE
    try:
        return asyncio.run((protect_album if args.recursive else _protect)(args, policy))
    except NoDaemonError:
        complain(args, "The daemon stopped answering. Run `cloakroom doctor`, then try again.")
        return NO_DAEMON
    except (StateError, ClusterError) as problem:
        complain(args, str(problem))
        return NO_DAEMON


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _policy(args: argparse.Namespace) -> PolicyRequest:
    """Return the policy that was asked for.

    Raises:
        msgspec.ValidationError: it cannot be said in the protocol. Only converting looks at that, constructing does not.
    """
    asked = {"protectors": _names(args.protectors), "strength": args.strength, "sensitive": _names(args.sensitive)}
    return msgspec.convert(asked, PolicyRequest)


def target_of(path: Path, output: Path | None) -> Path:
    """The path of a cloaked photo: in the output folder, or beside the original."""
    return path.with_name(f"{path.stem}.cloaked{path.suffix}") if output is None else output / path.name


async def _protect(args: argparse.Namespace, policy: PolicyRequest) -> int:
    if args.output is not None:
        try:
            args.output.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            complain(args, f"{args.output} cannot be made ({problem.strerror}). Choose another folder with -o.")
            return USAGE
    outcomes = []
    with showing_for(args, len(args.files)) as showing:
        async with daemon_for(args) as client:
            for path in args.files:
                outcome = await _one(client, path, policy, args, showing)
                showing.ended(path, outcome.output, outcome.report, outcome.sentence)
                outcomes.append(outcome)
    if args.json:
        print_json({"files": [outcome.as_json() for outcome in outcomes]})
    return OK if all(outcome.good for outcome in outcomes) else FAILED


async def _one(
    client: DaemonClient, path: Path, policy: PolicyRequest, args: argparse.Namespace, showing: Showing
) -> FileOutcome:
    target = target_of(path, args.output)
    try:
        data = _read(path)
        _check_target(path, target, args.force)
        showing.began(path)
        protected = await _with_patience(client, path, data, policy, args.channel, showing)
    except CloakroomError as problem:
        return FileOutcome(path, code=problem.code, sentence=problem.sentence)
    except OSError as problem:
        return FileOutcome(path, code="unreadable", sentence=f"The file cannot be read ({problem.strerror}). Check its path.")
    except FileExistsHereError as problem:
        return FileOutcome(path, code="exists", sentence=str(problem))
    if not protected.report["protected"] and not args.keep_unprotected:
        sentence = (
            "An adversary still recognises something, so nothing was written. "
            "Try --strength strong, or --keep-unprotected to write it all the same."
        )
        return FileOutcome(path, report=protected.report, code="unprotected", sentence=sentence)
    try:
        write_private(target, protected.data)
    except OSError as problem:
        sentence = f"{target} cannot be written ({problem.strerror}). Choose another folder with -o."
        return FileOutcome(path, report=protected.report, code="unwritable", sentence=sentence)
    return FileOutcome(path, output=target, report=protected.report)


class FileExistsHereError(Exception):
    """The cloaked photo has nowhere to go; the text says what to do."""


def _read(path: Path) -> bytes:
    if path.stat().st_size > LIMITS.bytes:
        raise CloakroomError("too-large")
    return path.read_bytes()


def _check_target(path: Path, target: Path, force: bool) -> None:
    if target.exists() and target.samefile(path):
        raise FileExistsHereError("This would overwrite the original. Choose another folder with -o.")
    if target.exists() and not force:
        raise FileExistsHereError(f"{target} exists already. Choose another folder with -o, or overwrite with --force.")


async def _with_patience(
    client: DaemonClient, path: Path, data: bytes, policy: PolicyRequest, channel: str | None, showing: Showing
) -> Any:
    mime = mimetypes.guess_type(path.name)[0] or ""
    for tries_left in reversed(range(BUSY_TRIES)):
        try:
            return await client.protect(
                data,
                policy,
                name=path.name,
                mime=mime,
                channel=channel,
                on_progress=lambda event: showing.moved(path, event),
            )
        except CloakroomError as problem:
            if problem.code != "busy" or not tries_left:
                raise
            await asyncio.sleep(2.0)
    raise CloakroomError("busy")
