"""`cloakroom protect DIR -r -o OUT`: a folder of thousands, which can be stopped at any moment and goes on from there."""

import argparse
import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from daemon.album.album import Album, PhotoOutcome, Plan, in_the_end
from daemon.album.cloaker import Cloaker, DaemonCloaker
from daemon.album.journal import Journal, asked_for
from daemon.album.report import AlbumReport
from daemon.commands.album_showing import album_showing_for
from daemon.commands.console import FAILED, OK, USAGE, chosen_state, complain, echo, print_json, when_signalled
from daemon.commands.reaching import opener_for
from daemon.models.store import model_folder
from daemon.wire.protocol import PolicyRequest

STOPPED = 130
"""The exit status that shells use after an interrupt."""


async def protect_album(args: argparse.Namespace, policy: PolicyRequest) -> int:
    """Cloak a folder; returns the exit status.

    Raises:
        NoDaemonError: it went away and did not come back; what is done is done.
        StateError: another run works on the output folder.
    """
    problem = _misuse(args)
    if problem is not None:
        complain(args, problem)
        return USAGE
    folder: Path = args.files[0]
    _stop_on_sigterm()
    async with _cloaker_for(args, policy) as (cloaker, models):
        with Journal(args.output) as journal:
            album = Album(
                folder,
                args.output,
                journal,
                asked_for(policy, args.channel, models),
                keep_unprotected=args.keep_unprotected,
                force=args.force,
            )
            try:
                plan = await asyncio.to_thread(album.plan)
            except OSError as unread:
                complain(args, f"{folder} cannot be read ({unread.strerror}). Check its path.")
                return USAGE
            return await _run(args, album, plan, cloaker)


async def _run(args: argparse.Namespace, album: Album, plan: Plan, cloaker: Cloaker) -> int:
    begun = time.monotonic()
    outcomes: list[PhotoOutcome] = []
    complete = False
    try:
        with album_showing_for(args, len(plan.todo)) as showing:
            async with aclosing(cloaker.cloak(plan.todo)) as ended:
                async for one in ended:
                    # In a thread, because the disk may be slow and the sockets have to be read; whole, because a photo
                    # that is being written when the run is stopped shall be there.
                    taking = asyncio.ensure_future(asyncio.to_thread(album.take, one))
                    try:
                        outcome = await asyncio.shield(taking)
                    except asyncio.CancelledError:
                        outcomes.append(await taking)
                        raise
                    outcomes.append(outcome)
                    showing.ended(outcome)
        complete = True
    except asyncio.CancelledError:
        pass
    finally:
        left = len(plan.todo) - len(outcomes)
        report = AlbumReport(in_the_end(plan, outcomes), plan.left, time.monotonic() - begun, complete, left)
        told = _tell(args, report)
    if not complete:
        return STOPPED
    return OK if report.good and told else FAILED


def _tell(args: argparse.Namespace, report: AlbumReport) -> bool:
    if args.json:
        print_json(report.as_json())
    else:
        echo(report.as_text())
    if args.report is None:
        return True
    try:
        report.write(args.report)
    except OSError as problem:
        complain(args, f"The report cannot be written ({problem.strerror}). Choose another file with --report.")
        return False
    return True


def _misuse(args: argparse.Namespace) -> str | None:
    """Return a sentence on what is wrong with the folders and what to do, None where nothing is."""
    if len(args.files) != 1 or not args.files[0].is_dir():
        return "-r takes one folder. Name it, or leave -r out for single photos."
    try:
        args.output.mkdir(parents=True, exist_ok=True)
        if args.output.samefile(args.files[0]):
            return "The cloaked photos would overwrite the originals. Choose another folder with -o."
    except OSError as problem:
        return f"{args.output} cannot be made ({problem.strerror}). Choose another folder with -o."
    if not os.access(args.output, os.W_OK):
        return f"{args.output} cannot be written to. Choose another folder with -o."
    return None


def _stop_on_sigterm() -> None:
    """Make SIGTERM act as Ctrl+C: what is being written is finished, and the report names the rest."""
    task = asyncio.current_task()
    if task is not None:
        when_signalled(task.cancel, signal.SIGTERM)


@asynccontextmanager
async def _cloaker_for(args: argparse.Namespace, policy: PolicyRequest) -> AsyncIterator[tuple[Cloaker, str]]:
    """Yield the cloaker of the photos and the name of its model set."""
    if args.cluster is not None:
        from daemon.cluster.ray_album import Means, cluster_cloaker

        # Entering and leaving takes seconds, and there is nothing else to do meanwhile.
        means = Means(args.workers, args.threads, args.seed, args.seconds)
        with cluster_cloaker(args.cluster, policy, args.channel, model_folder(chosen_state(args)), means) as found:
            yield found
        return
    async with opener_for(args) as open_client:
        cloaker = DaemonCloaker(open_client, policy, args.channel)
        try:
            yield cloaker, await cloaker.models()
        finally:
            await cloaker.close()
