"""`cloakroom evaluate`: measure the protectors on held-out photos, and keep the figures of a full run."""

import argparse
from pathlib import Path

from daemon.commands.console import FAILED, OK, Subparsers, add_command, complain, print_json
from daemon.figures import CHECKOUT, say, wrapped, write

RESULTS = CHECKOUT / "protectors" / "evaluation" / "results"


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "evaluate", "Measure how well a protector works on photos it was not made with.")
    parser.add_argument("what", choices=("objects", "scene"))
    parser.add_argument("--quick", action="store_true", help="few photos, and no results file is written")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="people.npz, photos.npz, scenes6.npz (default: CLOAKROOM_DATA, or shared/data beside the checkout)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    # Imported here: only this command needs torch in this process.
    from protectors.archive import DEFAULT_FOLDER
    from protectors.evaluation import objects, scene

    measure = {"objects": objects, "scene": scene}[args.what]
    try:
        figures = measure.run(args.quick, args.data or DEFAULT_FOLDER, say)
    except FileNotFoundError as problem:
        complain(args, f"{problem}. Say where the data is with --data or CLOAKROOM_DATA.")
        return FAILED
    command = f"cloakroom evaluate {args.what}" + (" --quick" if args.quick else "")
    measured = wrapped(figures, command, measure.SEED)
    if not args.quick:
        write(RESULTS / f"{args.what}.json", measured)
        say(f"written to {RESULTS / args.what}.json")
    if args.json:
        print_json(measured)
    else:
        for key, value in figures.items():
            print(f"{key:40} {value:.6g}")
    return OK
