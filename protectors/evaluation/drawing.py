"""Draws lines, bars and matrices in the common style of the report's plots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from protectors.evaluation.extra import needed

Drawing = Any
"""matplotlib's Figure. Only reports need matplotlib, so it is imported when the first plot is drawn."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's palette, which colour-blind people can tell apart."""

SIZE = (6.4, 4.2)
"""Width and height in inches."""

RESOLUTION = 110
"""Pixels per inch."""


@dataclass(frozen=True)
class Curve:
    """One line, or one bar in each group: values by their place on the horizontal axis."""

    label: str
    values: Mapping[Any, float]
    published: float | None = None
    """A paper's figure, drawn as a dashed line of the same colour."""


def lines(title: str, across: str, up: str, curves: Sequence[Curve]) -> Drawing:
    """Draw curves over a number."""
    drawing, axes = _begun(title, up)
    for colour, curve in zip(COLOURS, curves, strict=False):
        axes.plot(list(curve.values), list(curve.values.values()), marker="o", color=colour, label=curve.label)
        if curve.published is not None:
            axes.axhline(curve.published, linestyle="--", color=colour, label=f"{curve.label}, published")
    axes.set_xlabel(across)
    return _ended(drawing, axes)


def bars(title: str, up: str, curves: Sequence[Curve], published: Mapping[str, float] = {}) -> Drawing:
    """Draw groups of bars with one bar for each curve; a paper's figure for a group is a dashed line across it."""
    drawing, axes = _begun(title, up)
    groups = list(dict.fromkeys(group for curve in curves for group in curve.values))
    width = 0.8 / len(curves)
    for index, (colour, curve) in enumerate(zip(COLOURS, curves, strict=False)):
        places = [groups.index(group) + (index - (len(curves) - 1) / 2) * width for group in curve.values]
        axes.bar(places, list(curve.values.values()), width, color=colour, label=curve.label)
    told = [(groups.index(group), value) for group, value in published.items() if group in groups]
    if told:
        begins, ends = ([place + side for place, _ in told] for side in (-0.45, 0.45))
        axes.hlines([value for _, value in told], begins, ends, "black", "--", label="published")
    axes.set_xticks(range(len(groups)), groups)
    return _ended(drawing, axes)


def matrix(title: str, up: str, across: str, values: Mapping[tuple[str, str], float]) -> Drawing:
    """Draw a square for each pair (row, column), with its value in it."""
    drawing, axes = _begun(title, up)
    rows, columns = (list(dict.fromkeys(pair[side] for pair in values)) for side in (0, 1))
    shades = [[values.get((row, column), float("nan")) for column in columns] for row in rows]
    image = axes.imshow(shades, cmap="cividis", aspect="auto")
    for (row, column), value in values.items():
        # Values on the dark half of the scale are written in white.
        ink = "white" if image.norm(value) < 0.5 else "black"
        axes.text(columns.index(column), rows.index(row), f"{value:.3g}", ha="center", va="center", fontsize="small", color=ink)
    axes.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel(across)
    axes.grid(visible=False)
    return drawing


def _begun(title: str, up: str) -> tuple[Drawing, Any]:
    # A Figure created without pyplot shares no state, needs no screen, and draws with Agg.
    drawing = needed("matplotlib.figure").Figure(SIZE, RESOLUTION, layout="constrained")
    axes = drawing.add_subplot()
    axes.set_title(title)
    axes.set_ylabel(up)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    return drawing, axes


def _ended(drawing: Drawing, axes: Any) -> Drawing:
    """Add a legend below the axes, where it hides nothing."""
    if len(axes.get_legend_handles_labels()[0]) > 1:
        drawing.legend(loc="outside lower center", ncols=3, fontsize="small")
    return drawing
