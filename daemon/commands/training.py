"""The work of `cloakroom train`. It imports torch, and is imported when the command is run."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from daemon.commands.console import FAILED, OK, USAGE, chosen_state, complain, echo, end_on_sigterm, print_json
from daemon.commands.train import AUTO, NONE
from daemon.figures import say
from daemon.models.store import model_folder
from protectors.adversaries.cifar_networks import NETWORKS
from protectors.adversaries.classifier import Classifier
from protectors.adversaries.loading import load_classifier
from protectors.archive import DEFAULT_FOLDER
from protectors.cifar_resnets import listed_in
from protectors.device import pick_device
from protectors.generators import NAME, GeneratorError, network_of
from protectors.manifest import PAIRS, TRAINED, DamagedWeightsError, Entry, entries, listed, sha256_of
from protectors.training.checkpoint import OtherRunError
from protectors.training.cifar import LabelledImages
from protectors.training.grid import Grid
from protectors.training.pairs import Pairs
from protectors.training.visual import GeneratorTraining, Recipe, choose_auxiliary, marked
from protectors.unet import UNet
from protectors.weights import save_half

SAID_EVERY = 10.0
COMPARED = 500
"""Training images by which an auxiliary model is chosen."""


def images_for(args: argparse.Namespace) -> LabelledImages:
    """Raises FileNotFoundError."""

    return LabelledImages((args.data or DEFAULT_FOLDER) / "cifar10.npz", pick_device(args.device))


def what_failed(problem: Exception, folder: Path) -> str:
    """A sentence for what kept a training from its end; ``folder`` is where it writes."""
    if isinstance(problem, FileNotFoundError):
        return f"{problem}. Say where the data is with --data or CLOAKROOM_DATA."
    if isinstance(problem, OSError):
        return f"{folder} cannot be written to ({problem.strerror}). Choose another folder with -o."
    return f"{problem}."


def readers(args: argparse.Namespace) -> dict[str, Entry]:
    """The classifiers of 32x32 images that there are: the embedded ones, those that the grid has trained, and those of others
    among the data."""

    real = listed_in(args.data or DEFAULT_FOLDER)
    known = (*entries(), *listed(model_folder(chosen_state(args)) / TRAINED), *real)
    return {entry.name: entry for entry in known if entry.task == "visual" and entry.role != "generator"}


def run_visual(args: argparse.Namespace) -> int:
    end_on_sigterm()
    known = readers(args)
    unknown = [name for name in (args.target,) if name not in known]
    unknown += [name for name in (args.auxiliary,) if name not in (*known, AUTO, NONE)]
    if unknown:
        complain(args, f"No model is called {unknown[0]}. There are {', '.join(known)}.")
        return USAGE
    if args.name is not None and not NAME.fullmatch(args.name):
        complain(args, "--name may have up to 24 of a-z, 0-9, - and _, and begins with a letter.")
        return USAGE
    if args.epochs <= 0 or args.rate <= 0 or args.batch < 1 or args.auxiliary == args.target:
        complain(args, "--epochs, --rate and --batch have to be above zero, and --auxiliary another model than --target.")
        return USAGE
    try:
        data = images_for(args)
        device = data.images.device
        target = load_classifier(known[args.target], device)
        auxiliary: Classifier | None = None
        if args.auxiliary == AUTO:
            # Others' networks are not part of the product: whoever takes the generator in would not have its auxiliary model.
            candidates = [load_classifier(entry, device) for entry in known.values() if entry.set != "data"]
            auxiliary = chosen_auxiliary(target, candidates, data)
            say(f"auxiliary model: {auxiliary.name}")
        elif args.auxiliary != NONE:
            auxiliary = load_classifier(known[args.auxiliary], device)
        network = network_of(args.start, args.start.name) if args.start else None
        start = marked(network) if network else ""
        recipe = Recipe(args.epochs, args.seed, args.rate, args.batch, start, args.half, not args.sharp)
        made = trained(args, data, target, auxiliary, recipe, network)
    except GeneratorError:
        complain(args, f"{args.start} is not a generator's weights. Give --start its .safetensors file.")
        return USAGE
    except (OSError, OtherRunError, DamagedWeightsError) as problem:
        complain(args, what_failed(problem, args.output))
        return FAILED
    if args.json:
        print_json({"manifest": str(made)})
    else:
        echo(f"Made: {made}. Use it with `cloakroom models import {made}`.")
    return OK


def chosen_auxiliary(target: Classifier, candidates: list[Classifier], data: LabelledImages) -> Classifier:
    chosen = data.train[:COMPARED]
    return choose_auxiliary(target, candidates, data.images[chosen].float() / 255, data.labels[chosen])


def trained(
    args: argparse.Namespace,
    data: LabelledImages,
    target: Classifier,
    auxiliary: Classifier | None,
    recipe: Recipe,
    network: UNet | None,
) -> Path:
    """Train to the end, write weights and manifest, and return the manifest's path."""

    other = auxiliary.name if auxiliary else NONE
    name: str = args.name or f"{target.name}_{other}".replace("_cifar", "")[:24]
    folder: Path = args.output
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{name}.run"
    training = GeneratorTraining(data, target, auxiliary, recipe, unfinished, network)
    if training.step:
        say(f"going on at step {training.step} of {training.total}")
    made = training.run(throttled(lambda done, total, left: say(f"{name}: {done}/{total}, about {left:.0f} s left")))
    weights, manifest = folder / f"{name}.safetensors", folder / f"{name}.json"
    save_half(made.state_dict(), weights)
    content = {
        "name": name,
        "file": weights.name,
        "sha256": sha256_of(weights),
        "bytes": weights.stat().st_size,
        "input_size": target.side,
        "classes": list(target.classes),
        "licence": "your own; trained on CIFAR-10 (Krizhevsky, 2009)",
        "source": f"cloakroom train visual, {recipe}",
        "target": target.name,
        "auxiliary": auxiliary.name if auxiliary else "",
    }
    manifest.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    unfinished.unlink(missing_ok=True)
    return manifest


def throttled(tell: Callable[[int, int, float], None]) -> Callable[[int, int, float], None]:
    """Tells the first time and then every few seconds."""
    last = [0.0]

    def told(done: int, total: int, left: float) -> None:
        now = time.monotonic()
        if now - last[0] >= SAID_EVERY:
            last[0] = now
            tell(done, total, left)

    return told


def run_grid(args: argparse.Namespace) -> int:
    end_on_sigterm()
    if args.epochs < 1 or args.generator_epochs <= 0 or not 0 < args.width <= 1:
        complain(args, "--epochs has to be at least 1, --generator-epochs above 0, --width above 0 and at most 1.")
        return USAGE
    networks = args.networks or list(NETWORKS)
    unknown = [name for name in networks if name not in NETWORKS]
    if unknown:
        complain(args, f"No network is called {unknown[0]}. There are {', '.join(NETWORKS)}.")
        return USAGE
    folder = args.output or model_folder(chosen_state(args)) / TRAINED
    try:
        grid = Grid(folder, images_for(args), say, networks, args.width, args.epochs, args.generator_epochs, args.seed)
        grid.run()
    except (OSError, OtherRunError, DamagedWeightsError) as problem:
        complain(args, what_failed(problem, folder))
        return FAILED
    except ValueError as problem:
        complain(args, f"{problem}.")
        return USAGE
    if args.json:
        print_json({"folder": str(folder), "models": sorted(grid.models)})
    else:
        echo(f"Trained: {len(grid.models)} models in {folder}.")
    return OK


def run_pairs(args: argparse.Namespace) -> int:
    end_on_sigterm()
    if min(args.epochs, args.further_epochs, args.rate, args.batch) <= 0:
        complain(args, "--epochs, --further-epochs, --rate and --batch have to be above zero.")
        return USAGE
    folder = args.output or model_folder(chosen_state(args)) / PAIRS
    data = args.data or DEFAULT_FOLDER
    networks = listed_in(data)
    if len(networks) < 2:
        complain(args, f"{data} has no networks to make pairs of. Say where the data is with --data or CLOAKROOM_DATA.")
        return FAILED
    try:
        recipe = Recipe(args.epochs, args.seed, args.rate, args.batch, half=args.half, smooth=not args.sharp)
        made = Pairs(folder, images_for(args), say, networks, recipe, args.further_epochs, args.start).run()
    except GeneratorError:
        complain(args, f"{args.start} is not a generator's weights. Give --start its .safetensors file.")
        return USAGE
    except (OSError, OtherRunError, DamagedWeightsError) as problem:
        complain(args, what_failed(problem, folder))
        return FAILED
    if args.json:
        print_json({"folder": str(folder), "generators": [entry.name for entry in made]})
    else:
        echo(f"Trained: {len(made)} generators in {folder}.")
    return OK
