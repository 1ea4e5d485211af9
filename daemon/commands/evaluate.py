"""`cloakroom evaluate`: measure the protectors on held-out photos, beside what their papers print.

A full run keeps its figures in the checkout: the results file, the tables beside it and the README's figures. Every run
leaves a report that a person can look at. A run that was stopped goes on where it was.
"""

from pathlib import Path

from daemon.commands.console import Subparsers, add_command, deferred

METHODS = ("objects", "search", "scene", "visual")
"""The papers' own tables; these are ``all``."""

EVALUATIONS = (*METHODS, "real", "survival", "ensemble", "transfer", "quality")


def add(commands: Subparsers) -> None:
    parser = add_command(commands, "evaluate", "Measure how well a protector works on photos it was not made with.")
    parser.add_argument(
        "what",
        choices=(*EVALUATIONS, "all", "report"),
        help="one protector, or all four; networks that others trained; what survives a site; one cloak for all adversaries; "
        "adversaries left out; how photos look; or, measuring nothing, the report of the results in this checkout",
    )
    parser.add_argument("--quick", action="store_true", help="few photos, and no results file is written")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="the archives, people.npz and so on (default: CLOAKROOM_DATA, or shared/data beside the checkout)",
    )
    parser.add_argument("--device", choices=("cpu", "cuda", "auto"), default="cpu", help="what computes (%(default)s)")
    parser.add_argument(
        "--adversary",
        metavar="NAME",
        help="protect against this model, such as torchvision:fasterrcnn_resnet50_fpn; no results file is written",
    )
    parser.add_argument(
        "--real",
        action="store_true",
        help="networks that others trained; visual: their pairs that `cloakroom train pairs` made generators for; survival: "
        "with photos at their native size",
    )
    parser.add_argument(
        "--photos",
        type=Path,
        metavar="DIR",
        help="survival --real: also the photos of at least 640 pixels in this folder, each at its own size",
    )
    parser.add_argument("--fresh", action="store_true", help="measure everything anew, also what a run before has measured")
    parser.add_argument("--report", type=Path, metavar="DIR", help="folder for the report (default: in the cache folder)")
    parser.set_defaults(run=deferred("daemon.commands.evaluating", "run"))
