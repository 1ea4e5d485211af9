"""Writes results beside the papers' in Markdown, and fills our figures into texts that people write."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from protectors.evaluation.grids import grid
from protectors.evaluation.published import OBJECTS, TABLES, Published, Table

Result = Mapping[str, Any]
"""One command's result: ``figures`` by key, with ``command``, ``machine``, ``versions``, ``seed`` and ``date``."""

Results = Mapping[str, Result]
"""Results by the name of their evaluation."""

PREMISE = (
    "Where a paper's data or weights cannot be had here, the same experiment runs on other data with models trained here; "
    "each table says on which."
)
LEGEND = "**Bold**: at least as good as published. Mean values; what is not measured is left open."
OPEN = "–"
ALL_LIKELY = (
    "P-FGSM by the published rule is L-FGSM here: of six classes, of which label smoothing leaves none too unlikely, the "
    "published 99 % of probability take in all, and the least likely one is the target. Ours draws from those that have less "
    "than a fifth of an even chance in each of three views."
)


def read_results(folder: Path) -> dict[str, Result]:
    """Read all results in a folder, by the names of their files."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def cells(row: Published, figures: Mapping[str, float]) -> tuple[str, str, str, bool]:
    """Return the cells of one row: its title, the paper's figure, ours, and whether ours is at least as good."""
    ours = row.ours(figures)
    return row.what, row.shown(row.values), row.shown(ours) if ours else OPEN, row.met(figures)


def provenance(result: Result) -> str:
    """Return one sentence on the origin of a result, or one for each of its parts."""
    return " ".join(_measured_by(part) for part in result.get("parts", {"": result}).values())


def _measured_by(result: Result) -> str:
    machine = result["machine"]
    gpu = f"{machine['gpu']}, " if "gpu" in machine else ""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return (
        f"Measured by `{result['command']}` on {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory'] / 1e9:.0f} GB, {gpu}{machine['system']}; {versions}; seed {result['seed']}; {result['date']}."
    )


def notes(name: str, figures: Mapping[str, float]) -> list[str]:
    """Return the notes below one table."""
    if name == "objects":
        return [note for mode in ("m_all", "m_sen") if (note := _smallest_epsilon(mode, figures))]
    if name == "search":
        return list(_perturbation_sizes(figures))
    if name == "visual":
        return list(_auxiliary_or_none(figures))
    if name == "scene" and "l_fgsm.psnr" in figures and figures["l_fgsm.psnr"] == figures.get("p_fgsm.published.psnr"):
        return [ALL_LIKELY]
    return []


def _smallest_epsilon(mode: str, figures: Mapping[str, float]) -> str | None:
    """Return a note on the smallest epsilon at which a mode reaches the published figures."""
    title = mode.replace("m", "M", 1)
    levels = sorted(int(found[1]) for key in figures if (found := re.fullmatch(rf"{mode}\.eps(\d+)\.success", key)))
    if not levels:
        return None
    success, leakage = (row for row in OBJECTS.rows if re.match(rf"{mode}\.eps\d+\.(success|leakage)", row.key))
    for level in levels:
        key = f"{mode}.eps{level}"
        measured = {measure: figures[f"{key}.{measure}"] for measure in ("images", "success", "leakage", "psnr", "ssim")}
        if measured["success"] >= success.values[0] and measured["leakage"] <= leakage.values[0]:
            return (
                f"The smallest epsilon at which {title} reaches the published success and leakage is {level}/255: success "
                f"{formatted(measured['success'], '.1%')}, leakage {formatted(measured['leakage'], '.2%')}, "
                f"{measured['psnr']:.2f} dB, SSIM {measured['ssim']:.3f}, on {measured['images']:.0f} photos."
            )
    return f"{title} reaches the published success and leakage at no epsilon measured (up to {levels[-1]}/255)."


def _perturbation_sizes(figures: Mapping[str, float]) -> Iterator[str]:
    """Yield notes that compare the size of the paper's perturbation with iFGSM's, and ours with the paper's at equal PSNR."""
    for bits in (12, 24, 32, 36, 48):
        for method in ("dsh", "dbh", "dpsh"):
            measured = {
                key.removeprefix(f"{method}{bits}."): value
                for key, value in figures.items()
                if key.startswith(f"{method}{bits}.")
            }
            title = f"{method.upper()}, {bits} bits"
            if {"paper", "paper.l1", "ifgsm", "ifgsm.l1"} <= set(measured):
                yield (
                    f"{title}: the paper's perturbation changes a value by {measured['paper.l1']:.2f} levels on average for an "
                    f"mAP of {measured['paper']:.3f}, iFGSM by {measured['ifgsm.l1']:.2f} levels for {measured['ifgsm']:.3f}."
                )
            if {"paper", "paper.psnr", "equal.ours"} <= set(measured):
                yield (
                    f"{title}: at the paper's PSNR of {measured['paper.psnr']:.2f} dB, ours leaves an mAP of "
                    f"{measured['equal.ours']:.3f}, the paper's {measured['paper']:.3f}."
                )


def _auxiliary_or_none(figures: Mapping[str, float]) -> Iterator[str]:
    """Yield notes on the effect of an auxiliary model in training, the paper's ablation."""
    for key, alone in figures.items():
        if found := re.fullmatch(r"(\w+)\.none\.ssim", key):
            for pair, value in figures.items():
                if other := re.fullmatch(rf"{found[1]}\.(?!none\b)(\w+)\.ssim", pair):
                    yield f"{found[1]}: SSIM {value:.3f} with {other[1]} as auxiliary model in training, {alone:.3f} without."


def formatted(value: float, form: str) -> str:
    """Format a number, with a space before the percent sign as in our texts."""
    return format(value, form).replace("%", " %")


def markdown(results: Results, glance: str = "") -> str:
    """Return the tables of all results, followed by a text whose figures are already filled in."""
    parts = [PREMISE, "", "# Paper and ours", "", LEGEND]
    for name, table in TABLES.items():
        if name in results:
            parts += ["", *_section(name, table, results[name])]
    parts += ["", _MARK.sub("", glance).strip()] if glance else []
    return "\n".join(parts) + "\n"


def _section(name: str, table: Table, result: Result) -> list[str]:
    figures = result["figures"]
    lines = [f"## {table.title}", "", f"Paper: {table.paper}; {table.there}. Here: {table.here}."]
    lines += ["", "| what | paper | ours |", "| --- | ---: | ---: |"] if table.rows else []
    for row in table.rows:
        what, paper, ours, met = cells(row, figures)
        lines.append(f"| {what} | {paper} | {f'**{ours}**' if met else ours} |")
    said = notes(name, figures)
    lines += ["", *(f"- {note}" for note in said)] if said else []
    if found := grid(name, figures):
        lines += ["", f"| {' | '.join(found.head)} |", f"| --- |{' ---: |' * (len(found.head) - 1)}"]
        lines += [f"| {' | '.join(row)} |" for row in found.rows]
    return [*lines, "", provenance(result)]


_MARK = re.compile(r"<!-- /?figure\b.*?-->")
_FIGURE = re.compile(r"(<!-- figure: (\S+) (\S+) (\S+) -->).*?(<!-- /figure -->)", re.DOTALL)


def fill_figures(text: str, results: Results) -> str:
    """Fill our figures into a text's places: ``<!-- figure: objects m_all.eps8.success .1% -->…<!-- /figure -->`` names the
    result, the key and Python's format.

    Raises:
        KeyError: there is no such result or figure.
        ValueError: a place has no end, or an invalid format.
    """

    def filled(place: re.Match[str]) -> str:
        begin, name, key, form, end = place.groups()
        if name not in results or key not in results[name]["figures"]:
            raise KeyError(f"a text asks for {name} {key}, which is not measured")
        return begin + formatted(results[name]["figures"][key], form) + end

    if not text.count("<!-- figure:") == text.count("<!-- /figure -->") == len(_FIGURE.findall(text)):
        raise ValueError("a figure's place in a text is not written as <!-- figure: RESULT KEY FORMAT -->…<!-- /figure -->")
    return _FIGURE.sub(filled, text)
