"""Tables with several columns of our figures, for results without a published counterpart."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from protectors.evaluation.pairs import blinds_auxiliary, ends, is_less_like, keeps_target

BEFORE = "before."
"""Prefix of the figures of survival with the embedded networks."""

SUBJECTS = {"m_all": "M_all", "m_sen": "M_sen", "search": "search", "scene": "scene"}


@dataclass(frozen=True)
class Grid:
    """A table: ``head`` names the columns, and each row begins with its title."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def grid(name: str, figures: Mapping[str, float]) -> Grid | None:
    """Return the grid of one evaluation, or None if it has none."""
    grids = {"visual": visual, "survival": survival, "quality": quality, "ensemble": ensemble, "transfer": transfer}
    made = grids.get(name)
    return made(figures) if made else None


def visual(figures: Mapping[str, float]) -> Grid | None:
    """Show each pair of target and auxiliary model, and how many of the published bounds it meets; None without pairs."""
    rows = []
    for end in ends(figures):
        target, _, auxiliary = end.partition(".")
        clean, alone = (figures.get(key) for key in (f"baseline.{target}", f"{target}.none.ssim"))
        within = (keeps_target(figures, end), blinds_auxiliary(figures, end), is_less_like(figures, end))
        rows.append(
            (
                f"{target} / {auxiliary}",
                _share(clean),
                _share(figures.get(f"{end}.target")),
                _share(figures[f"{end}.auxiliary"]),
                f"{figures[f'{end}.ssim']:.3f}",
                "–" if alone is None else f"{alone:.3f}",
                f"{sum(within)} of {len(within)}",
            )
        )
    head = (
        "target / auxiliary model",
        "target before",
        "target after",
        "auxiliary after",
        "SSIM",
        "SSIM without",
        "bounds met",
    )
    return Grid(head, tuple(rows)) if rows else None


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}".replace("%", " %")


def survival(figures: Mapping[str, float]) -> Grid:
    """Show success by pipeline: of cloaks against real networks, and of those against the embedded ones, as it was before."""
    subjects = [name for name in SUBJECTS if any(f"{prefix}{name}.delivered.success" in figures for prefix in ("", BEFORE))]
    pipelines = dict.fromkeys(
        found[1] for key in figures if (found := re.fullmatch(r"(?:before\.)?m_\w+\.(\w+)\.success", key))
    )
    rows = [
        (
            "before the upload" if pipeline == "delivered" else pipeline.replace("_", ", then "),
            *(cell for name in subjects for cell in _pair(figures, name, f"{pipeline}.success", "{:.0%}")),
        )
        for pipeline in pipelines
    ]
    measures = {"photos": ("photos", "{:.0f}"), "images": ("photos", "{:.0f}"), "worst": ("worst / before", "{:.0%}")}
    rows += [
        (title, *(cell for name in subjects for cell in _pair(figures, name, key, form)))
        for key, (title, form) in measures.items()
        if any(f"{prefix}{name}.{key}" in figures for name in subjects for prefix in ("", BEFORE))
    ]
    heads = [head for name in subjects for head in (SUBJECTS[name], f"{SUBJECTS[name]}, embedded")]
    return Grid(("all networks fooled by the file that a site keeps", *heads), tuple(rows))


def quality(figures: Mapping[str, float]) -> Grid:
    """Show the distribution of each measure."""
    forms = {"psnr": ("PSNR (dB)", "{:.1f}"), "ssim": ("SSIM", "{:.3f}"), "fsim": ("FSIM", "{:.4f}")}
    keys = ("min", "p5", "mean")
    rows = tuple(
        (title, *(form.format(figures[f"{name}.{key}"]) if f"{name}.{key}" in figures else "–" for key in keys))
        for name, (title, form) in forms.items()
    )
    return Grid(("delivered photos", "worst", "fifth percentile", "mean"), rows)


def ensemble(figures: Mapping[str, float]) -> Grid:
    """Show for each kind of adversary a cloak against it alone beside one against all."""
    kinds = [found[1] for key in figures if (found := re.fullmatch(r"(\w+)\.together", key))]
    rows = [
        (kind, *(f"{figures[f'{kind}.{key}']:.1%}".replace("%", " %") for key in ("alone", "together", "kept")))
        for kind in kinds
    ]
    return Grid(("protected from", "alone", "together", "together / alone"), tuple(rows))


def transfer(figures: Mapping[str, float]) -> Grid:
    """Show success by method and by left-out architecture."""
    methods = [found[1] for key in figures if (found := re.fullmatch(r"(\w+)\.mean", key))]
    left = [key.partition(".")[2] for key in figures if methods and key.startswith(f"{methods[0]}.")]

    def shown(method: str, key: str) -> str:
        value = figures[f"{method}.{key}"]
        return f"{value:.1f} dB" if key == "psnr" else f"{value:.1%}".replace("%", " %")

    return Grid(("method", *left), tuple((method, *(shown(method, key) for key in left)) for method in methods))


def _pair(figures: Mapping[str, float], name: str, key: str, form: str) -> tuple[str, str]:
    """Return the figures of cloaks against real and embedded networks, each as a dash if it was not measured."""
    found = (figures.get(f"{prefix}{name}.{key}") for prefix in ("", BEFORE))
    ours, before = ("–" if value is None else form.format(value).replace("%", " %") for value in found)
    return ours, before
