"""`cloakroom train`: make a generator of protective perturbations for a model, or all models of the papers' tables."""

from pathlib import Path

from daemon.commands.console import Subparsers, add_command, deferred

AUTO, NONE = "auto", "none"
"""Words that stand in the place of an auxiliary model's name."""


def add(commands: Subparsers) -> None:
    summary = "Train a generator of protective perturbations, or all models of the papers' tables."
    actions = commands.add_parser("train", help=summary, description=__doc__).add_subparsers(
        title="actions", metavar="ACTION", required=True
    )
    visual = add_command(
        actions, "visual", "A generator whose pictures one model still reads; it goes on where it was stopped."
    )
    visual.add_argument(
        "--target", required=True, metavar="NAME", help="the model that shall still read, such as vgg13_bn_cifar"
    )
    visual.add_argument(
        "--auxiliary", default=AUTO, metavar="NAME", help="stands for other eyes: a model, auto or none (%(default)s)"
    )
    visual.add_argument("--name", help="what the generator is called (from its models)")
    visual.add_argument("--epochs", type=float, default=10, help="(%(default)s)")
    visual.add_argument("--start", type=Path, metavar="FILE", help="a generator's .safetensors to begin from (chance)")
    visual.add_argument("-o", "--output", type=Path, metavar="DIR", default=Path(), help="where its two files go (here)")
    visual.set_defaults(run=deferred("daemon.commands.training", "run_visual"))
    grid = add_command(actions, "grid", "Every model of the papers' tables, for `evaluate`; goes on where it was stopped.")
    grid.add_argument("--networks", nargs="+", metavar="NAME", help="of these alone (all eight)")
    grid.add_argument("--width", type=float, default=1.0, help="share of the published channels (%(default)s)")
    grid.add_argument("--epochs", type=int, default=30, help="of each classifier (%(default)s)")
    grid.add_argument("--generator-epochs", type=float, default=10, help="of each generator (%(default)s)")
    grid.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder (trained, beside the pulled models)")
    grid.set_defaults(run=deferred("daemon.commands.training", "run_grid"))
    pairs = add_command(
        actions, "pairs", "A generator for every pair of the real networks among the data; goes on where it was stopped."
    )
    pairs.add_argument("--epochs", type=float, default=10, help="of each generator (%(default)s)")
    pairs.add_argument("--further-epochs", type=float, default=4, help="of a target's generators after its first (%(default)s)")
    pairs.add_argument(
        "--start", type=Path, metavar="PATH", help="a generator's .safetensors, or a folder of pairs, to begin from (chance)"
    )
    pairs.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder (pairs, beside the pulled models)")
    pairs.set_defaults(run=deferred("daemon.commands.training", "run_pairs"))
    for parser in (visual, pairs):
        parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate (%(default)s)")
        parser.add_argument("--batch", type=int, default=128, help="images in a step (%(default)s)")
        parser.add_argument("--bfloat16", dest="half", action="store_true", help="compute in bfloat16, for processors with AMX")
        parser.add_argument("--sharp", action="store_true", help="never smooth what the models read in training")
    for parser in (visual, grid, pairs):
        parser.add_argument("--data", type=Path, metavar="DIR", help="where cifar10.npz is (CLOAKROOM_DATA)")
        parser.add_argument("--device", choices=("cpu", "cuda", "auto"), default="auto", help="what computes (%(default)s)")
        parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
