"""`cloakroom cluster`: one machine with a graphics card, or several, cloak for the daemons of others, by Ray Serve."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from daemon.cluster.joining import LOCAL, ClusterError
from daemon.cluster.launching import TOKEN_NAME
from daemon.cluster.serving import Listening, deploy, serving
from daemon.commands.console import (
    FAILED,
    OK,
    USAGE,
    Subparsers,
    add_command,
    chosen_state,
    complain,
    echo,
    has_wrong_seconds,
    print_json,
)
from daemon.log import configure
from daemon.models.store import model_folder
from daemon.state.folder import StateError, prepare
from daemon.state.tokens import kept_token
from daemon.wire.worker_settings import WorkerSettings


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "cluster", "Cloak for the daemons of others, on a Ray cluster (extra: cluster).")
    parser.add_argument(
        "--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="where daemons come to; port 0 picks one (%(default)s)"
    )
    parser.add_argument("--address", default="local", metavar="WHERE", help="the cluster: local, auto, HOST:PORT (%(default)s)")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="of TLS; without it only this machine may come")
    parser.add_argument("--key", type=Path, metavar="FILE", help="of the certificate")
    parser.add_argument("--workers", type=int, metavar="N", help="photos at once (one for each graphics card, or CPU)")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads of each (1)")
    parser.add_argument("--seconds", type=float, metavar="N", help="about the most that a photo takes (any)")
    parser.add_argument("--device", default="auto", help="cpu, cuda or auto (%(default)s)")
    parser.add_argument("--until-eof", action="store_true", help="end when the standard input ends")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    configure()
    host, _, port = args.listen.rpartition(":")
    if not host or not port.isdigit():
        complain(args, "--listen takes a host and a port, such as 0.0.0.0:38918.")
        return USAGE
    if has_wrong_seconds(args):
        return USAGE
    listening = Listening(host.strip("[]"), int(port), args.certificate, args.key)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    state = chosen_state(args)
    try:
        prepare(state)
        token = kept_token(state / TOKEN_NAME)
        threads = args.threads or 1
        cpus = max(os.cpu_count() or 1, (args.workers or 1) * threads) if args.address == LOCAL else None
        with serving(args.address, listening, cpus) as (ray, found):
            settings = WorkerSettings(
                device=args.device, model_folder=model_folder(state), threads=threads, seconds=args.seconds
            )
            deploy(ray, token, settings, workers=args.workers)
            _tell(args, listening, found)
            if args.until_eof:
                threading.Thread(target=_until_eof, args=(stop,), daemon=True).start()
            stop.wait()
    except (ClusterError, StateError) as problem:
        complain(args, str(problem))
        return FAILED
    except OSError as problem:
        complain(args, f"{state} cannot be written to ({problem.strerror}). Choose another with --state.")
        return FAILED
    return OK


def _tell(args: argparse.Namespace, listening: Listening, port: int) -> None:
    scheme = "https" if listening.certificate else "http"
    host = f"[{listening.host}]" if ":" in listening.host else listening.host
    if args.json:
        print_json({"address": f"{scheme}://{host}:{port}/"})
        return
    echo(f"cloaking for others at {scheme}://{host}:{port}/")
    echo(f"There, copy {chosen_state(args) / TOKEN_NAME} and run: cloakroom serve --backend ray")
    echo("  --backend-address ADDRESS --backend-token FILE --backend-ca CERTIFICATE")


def _until_eof(stop: threading.Event) -> None:
    sys.stdin.buffer.read()
    stop.set()
