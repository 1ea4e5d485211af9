"""Writes the report of a run as one HTML page without scripts or other files."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

from protectors.evaluation.extra import MissingExtraError
from protectors.evaluation.grids import Grid, grid
from protectors.evaluation.plots import draw
from protectors.evaluation.published import TABLES, Table
from protectors.evaluation.tables import LEGEND, PREMISE, Result, Results, cells, markdown, notes, provenance

STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .3rem .8rem; text-align: left; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
td + td, th + th { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1rem; }
figure { margin: 0 0 1rem; }
.plots figure { background: #fff; border-radius: .3rem; overflow: hidden; margin: 0; }
img { max-width: 100%; height: auto; display: block; }
figcaption, .provenance { font-size: .85rem; opacity: .8; }
"""


def page(results: Results, plots: Mapping[str, Sequence[Path]], strips: Mapping[str, Sequence[Path]]) -> str:
    """Return the whole page: each evaluation's table, notes, plots and strips of photos (PNG files, which it embeds)."""
    sections = "".join(
        _section(name, table, results[name], plots.get(name, ()), strips.get(name, ()))
        for name, table in TABLES.items()
        if name in results
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Cloakroom: evaluation</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<p>{escape(PREMISE)}</p>\n<h1>Cloakroom: paper and ours</h1>\n<p>{_inline(LEGEND)}</p>\n{sections}</body>\n</html>\n"
    )


def write_report(results: Results, strips: Mapping[str, Sequence[Path]], folder: Path, say: Callable[[str], None]) -> Path:
    """Write report.md, the plots and report.html, and return the last's path. Without matplotlib, say how to get plots."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(markdown(results), encoding="utf-8")
    plots: dict[str, list[Path]] = {}
    try:
        for name in results:
            plots[name] = draw(name, results[name]["figures"], folder / "plots")
    except MissingExtraError as problem:
        say(f"The report is without plots. {problem}")
    written = folder / "report.html"
    written.write_text(page(results, plots, strips), encoding="utf-8")
    return written


def _section(name: str, table: Table, result: Result, plots: Sequence[Path], strips: Sequence[Path]) -> str:
    figures = result["figures"]
    rows = "".join(
        f"<tr><td>{escape(what)}</td><td>{paper}</td><td>{f'<b>{ours}</b>' if met else ours}</td></tr>\n"
        for what, paper, ours, met in (cells(row, figures) for row in table.rows)
    )
    said = "".join(f"<li>{escape(note)}</li>\n" for note in notes(name, figures))
    every = "".join(f"<tr><td><code>{escape(key)}</code></td><td>{value:.6g}</td></tr>\n" for key, value in figures.items())
    return (
        f"<h2>{escape(table.title)}</h2>\n"
        f"<p>Paper: {escape(table.paper)}; {escape(table.there)}. Here: {escape(table.here)}.</p>\n"
        + (f"<table>\n<tr><th>what</th><th>paper</th><th>ours</th></tr>\n{rows}</table>\n" if rows else "")
        + f"<ul>\n{said}</ul>\n"
        + _grid(grid(name, figures))
        + f'<div class="plots">\n{"".join(_picture(path) for path in plots)}</div>\n'
        + ("<h3>Before and after</h3>\n" if strips else "")
        + "".join(_picture(path, path.stem.replace("_", " ")) for path in strips)
        + f"<details><summary>All figures</summary>\n<table>\n{every}</table>\n</details>\n"
        + f'<p class="provenance">{_inline(provenance(result))}</p>\n'
    )


def _grid(shown: Grid | None) -> str:
    if shown is None:
        return ""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in shown.head)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in shown.rows)
    return f"<table>\n<tr>{head}</tr>\n{rows}</table>\n"


def _picture(path: Path, caption: str = "") -> str:
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    title = escape(path.stem)
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img alt="{title}" src="data:image/png;base64,{content}">{below}</figure>\n'


def _inline(text: str) -> str:
    """Convert Markdown's bold words and commands to HTML."""
    return re.sub(r"`(.+?)`", r"<code>\1</code>", re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text)))
