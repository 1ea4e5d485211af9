"""The work of `cloakroom evaluate`. It imports torch, and is imported when the command is run."""

import argparse
import importlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch

from daemon.commands.console import (
    FAILED,
    OK,
    USAGE,
    cache_folder,
    chosen_state,
    complain,
    echo,
    end_on_sigterm,
    print_json,
)
from daemon.commands.evaluate import EVALUATIONS, METHODS
from daemon.figures import CHECKOUT, merged, say, wrapped, write
from daemon.models.store import model_folder
from protectors.archive import DEFAULT_FOLDER
from protectors.device import pick_device
from protectors.evaluation.extra import MissingExtraError
from protectors.evaluation.measurement import SEED, Measurement
from protectors.evaluation.pairs import counts
from protectors.evaluation.report import write_report
from protectors.evaluation.tables import fill_figures, markdown, read_results
from protectors.manifest import DamagedWeightsError, Entry, resolve, weights_file

RESULTS = CHECKOUT / "protectors" / "evaluation" / "results"
GLANCE = CHECKOUT / "protectors" / "evaluation" / "glance.md"
"""The table of everything, with places for figures: it ends up below the papers' tables."""
TEXTS = (CHECKOUT / "README.md", CHECKOUT / "daemon" / "README.md")
"""Written by people, but for the figures in them."""
OTHER_RESULTS = (CHECKOUT / "tests" / "end_to_end" / "results", CHECKOUT / "tests" / "benchmarks" / "results")
"""Results that the README takes figures from as well; other commands write them."""

WITH_REAL = ("visual", "survival")
"""Evaluations that measure the networks trained here or, with --real, those that others trained; both are kept in one file."""

EMBEDDED, REAL = "embedded", "real"
"""The parts of a results file, by the networks that are its adversaries."""

STOPPED = 130


def run(args: argparse.Namespace) -> int:
    end_on_sigterm()
    folder: Path = args.report or cache_folder() / "report"
    # All that can be wrong with the options is found now, and not after hours of measuring.
    try:
        folder.mkdir(parents=True, exist_ok=True)
        device, adversary = chosen_device(args.device), chosen_adversary(args)
    except OSError as problem:
        complain(args, f"{folder} cannot be written to ({problem.strerror}). Choose another folder with --report.")
        return FAILED
    except DamagedWeightsError as problem:
        complain(args, f"{problem}.")
        return FAILED
    except ValueError as problem:
        complain(args, f"{problem}.")
        return USAGE
    if args.real and args.what not in WITH_REAL:
        complain(args, f"--real is for the evaluations of {' and '.join(WITH_REAL)}.")
        return USAGE
    if args.photos and not (args.real and args.what == "survival"):
        complain(args, "--photos is for the evaluation survival --real.")
        return USAGE
    try:
        return report_again(args, folder) if args.what == "report" else measure(args, folder, device, adversary)
    except KeyboardInterrupt:
        complain(args, "Stopped. The same command goes on with what is measured already.")
        return STOPPED


def report_again(args: argparse.Namespace, folder: Path) -> int:
    """The report of the results in this checkout; nothing is measured."""
    update_texts()
    page = leave_report(args, folder, {name: result for name, result in read_results(RESULTS).items() if name in EVALUATIONS})
    if args.json:
        print_json({"report": str(page)})
    else:
        echo(f"Report: {page}")
    return OK


def measure(args: argparse.Namespace, folder: Path, device: str, adversary: Entry | None) -> int:
    """Measure, print the figures and leave the report."""
    results, problems = measured(args, device, adversary)
    if not results:
        complain(args, " ".join(problems.values()))
        return FAILED
    page = leave_report(args, folder, results)
    if args.json:
        print_json({**as_one(args, results), "report": str(page), **({"problems": problems} if problems else {})})
    else:
        for result in results.values():
            for key, value in result["figures"].items():
                echo(f"{key:40} {value:.6g}")
        echo(f"Report: {page}")
        for sentence in problems.values():
            echo(sentence, file=sys.stderr)
    return FAILED if problems else OK


def chosen_device(name: str) -> str:
    """Return the device that torch computes on.

    Raises:
        ValueError: a GPU was asked for and none is there.
    """
    if name == "cpu":
        return name

    if name == "cuda" and pick_device("auto").type != "cuda":
        raise ValueError("There is no GPU that torch can use here: leave --device out, or say auto")
    return pick_device(name).type


def chosen_adversary(args: argparse.Namespace) -> Entry | None:
    """Return the model that --adversary names, its weights being here.

    Raises:
        ValueError: there is no such model for this evaluation.
        DamagedWeightsError: it has not been pulled.
    """
    if args.adversary is None:
        return None
    if args.what not in METHODS:
        raise ValueError(f"--adversary is for one protector's evaluation: say which, {', '.join(METHODS)}")
    entry = resolve(args.adversary, args.what)
    if weights_file(entry, model_folder(chosen_state(args))) is None:
        raise DamagedWeightsError(f"the weights of {args.adversary} are not here: run `cloakroom models pull {entry.name}`")
    return entry


def measured(
    args: argparse.Namespace, device: str, adversary: Entry | None
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Results, and for each evaluation that could not run the sentence that says why."""
    results: dict[str, dict[str, Any]] = {}
    problems: dict[str, str] = {}
    for name in METHODS if args.what == "all" else (args.what,):
        kept = kept_folder(args, name)
        if args.fresh:
            shutil.rmtree(kept, ignore_errors=True)
        measurement = Measurement(
            name,
            args.quick,
            args.data or DEFAULT_FOLDER,
            say,
            kept / "parts.json",
            kept / "strips",
            device,
            adversary=adversary.name if adversary else None,
            models=model_folder(chosen_state(args)),
            real=args.real,
            photos=args.photos,
        )
        try:
            importlib.import_module(f"protectors.evaluation.{name}").run(measurement)
        except FileNotFoundError as problem:
            problems[name] = f"{problem}. Say where the data is with --data or CLOAKROOM_DATA."
        except (MissingExtraError, DamagedWeightsError) as problem:
            problems[name] = str(problem)
        else:
            results[name] = wrapped(measurement.figures, command(args, name), SEED)
            if device == "cuda":
                results[name]["machine"]["gpu"] = torch.cuda.get_device_name()
            # Another adversary's figures are not those that the README speaks of.
            if not args.quick and adversary is None:
                kept_file = RESULTS / f"{name}.json"
                write(
                    kept_file,
                    beside_other_networks(kept_file, args.real, results[name]) if name in WITH_REAL else results[name],
                )
                say(f"written to {RESULTS / name}.json")
                update_texts()
    return results, problems


def beside_other_networks(path: Path, real: bool, result: dict[str, Any]) -> dict[str, Any]:
    """Return a results file with a result added: a run with real networks leaves the figures of the embedded ones where
    they are, with their own command, machine and date, and the other way round. The counts are of both."""

    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if before and "parts" not in before:
        before = merged({}, EMBEDDED, before)
    made = merged(before, REAL if real else EMBEDDED, result)
    return {**made, "figures": {**made["figures"], **counts(made["figures"])}} if path.stem == "visual" else made


def kept_folder(args: argparse.Namespace, name: str) -> Path:
    """Return the folder of a run's finished parts and strips; runs of another size or adversary have another."""
    words = [name, *(["quick"] if args.quick else []), *(["real"] if args.real else [])]
    words += [args.adversary.replace(":", "_")] if args.adversary else []
    return cache_folder() / "evaluation" / "-".join(words)


def command(args: argparse.Namespace, name: str) -> str:
    """Return the command that repeats the measurement."""
    words = ["cloakroom evaluate", name]
    words += ["--quick"] if args.quick else []
    words += ["--real"] if args.real else []
    # A path of this machine is nobody else's business.
    words += ["--photos", "FOLDER"] if args.photos else []
    words += ["--device", args.device] if args.device != "cpu" else []
    words += ["--adversary", args.adversary] if args.adversary else []
    return " ".join(words)


def update_texts() -> None:
    """Write the tables beside the results, and the figures in the texts, from the results in this checkout."""
    results = read_results(RESULTS)
    every = dict(results)
    for folder in OTHER_RESULTS:
        every |= read_results(folder)
    filled = {}
    for text in (GLANCE, *TEXTS):
        if text.is_file():
            try:
                filled[text] = fill_figures(text.read_text(encoding="utf-8"), every)
                text.write_text(filled[text], encoding="utf-8")
            except (KeyError, ValueError) as problem:
                say(f"{text} is left as it was: {problem.args[0]}")
    (RESULTS / "README.md").write_text(markdown(results, filled.get(GLANCE, "")), encoding="utf-8")


def leave_report(args: argparse.Namespace, folder: Path, results: dict[str, Any]) -> Path:
    """Write JSON, tables, plots and the page, and return the page."""
    for name, result in results.items():
        write(folder / f"{name}.json", result)
    strips = {name: sorted((kept_folder(args, name) / "strips").glob("*.png")) for name in results}
    return write_report(results, strips, folder, say)


def as_one(args: argparse.Namespace, results: dict[str, Any]) -> dict[str, Any]:
    """The result of one evaluation as it is; of several in one, each figure with its evaluation's name in front."""
    if args.what in results:
        return dict(results[args.what])
    figures = {f"{name}.{key}": value for name, result in results.items() for key, value in result["figures"].items()}
    return wrapped(figures, command(args, args.what), next(iter(results.values()))["seed"])
