"""Tests the tables, plots and page of results, and that the committed texts agree with the committed results."""

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from protectors.evaluation.plots import PLOTS, draw
from protectors.evaluation.published import TABLES, Published
from protectors.evaluation.report import page, write_report
from protectors.evaluation.tables import PREMISE, Result, fill_figures, markdown, notes, read_results

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "protectors" / "evaluation" / "results"


def result(figures: dict[str, float]) -> Result:
    return {
        "figures": figures,
        "command": "cloakroom evaluate objects",
        "machine": {"system": "Linux", "processor": "A <quick> one", "cores": 2, "memory": 24_000_000_000},
        "versions": {"cloakroom": "0.1.0", "torch": "2.15.0"},
        "seed": 0,
        "date": "2026-11-21T10:00:00+00:00",
    }


OBJECTS = {
    f"{mode}.eps{level}.{measure}": value
    for mode in ("m_all", "m_sen")
    for level, success in ((3, 0.9), (4, 0.97), (8, 1.0))
    for measure, value in {"images": 30, "success": success, "leakage": 1 - success, "psnr": 40.0, "ssim": 0.95}.items()
} | {"m_all.eps4.leakage": 0.005, "m_sen.eps8.leakage": 0.03}

EVERY_PLOT: dict[str, dict[str, float]] = {
    "objects": OBJECTS
    | {"m_all.t20.success": 0.9, "m_all.t40.success": 0.8, "m_sen.person.leakage": 0.1, "baseline.blur.success": 0.2},
    "search": {"dsh24.clean": 0.7, "dsh24.ours": 0.1, "dbh48.paper": 0.2, "transfer.dsh_to_dbh24": 0.3},
    "scene": {f"{aim}_fgsm.{key}": 0.2 for aim in "pnrl" for key in ("top1", "top5", "psnr", "brisque", "distance")},
    "visual": {
        "resnet18.vgg13_bn.target": 0.9, "resnet18.vgg13_bn.auxiliary": 0.1, "resnet18.vgg13_bn.ssim": 0.2,
        "resnet18.vgg13_bn.ms_ratio": 1.5, "resnet18.none.ssim": 0.4, "vgg13_bn.resnet18.target": 0.8,
    },
    "survival": {
        f"{prefix}{subject}.{pipeline}.success": 0.9
        for prefix in ("", "before.")
        for subject in ("m_all", "m_sen", "search", "scene")
        for pipeline in ("float", "delivered", "facebook", "webp75")
    }
    | {"m_all.worst": 0.95, "before.m_all.delivered.psnr": 40.1, "m_all.photos": 20.0},
    "ensemble": {"objects.alone": 0.9, "objects.together": 0.8, "objects.kept": 0.89},
    "transfer": {f"{method}.{key}": 0.4 for method in ("sim", "ours") for key in ("scenes", "scenes_judge", "mean", "psnr")},
    "quality": {f"{name}.{key}": 0.98 for name in ("psnr", "ssim", "fsim") for key in ("min", "mean", "p5")}
    | {"channel.jpeg420": 0.6, "channel.distance": 0.6}
    | {f"calibration.bin{place}.{key}": 0.3 for place in (2, 3) for key in ("expected", "fooled", "readings")},
    "real": {f"{group}.nanodet_coco.delivered.objects_left": 0.2 for group in ("seen", "left_out", "before")},
}  # fmt: skip


def every_result() -> dict[str, Result]:
    """Return the committed results of all folders."""
    results = read_results(RESULTS)
    for folder in ("end_to_end", "benchmarks"):
        results |= read_results(ROOT / "tests" / folder / "results")
    return results


def test_the_committed_tables_are_those_of_the_committed_results() -> None:
    results = read_results(RESULTS)
    assert {"objects", "scene"} <= set(results)
    glance = (ROOT / "protectors" / "evaluation" / "glance.md").read_text(encoding="utf-8")
    assert glance.count("<!-- figure:") > 100
    wanted = markdown(results, fill_figures(glance, every_result()))
    assert "<!--" not in wanted
    assert (RESULTS / "README.md").read_text(encoding="utf-8") == wanted, "run `cloakroom evaluate report`"


@pytest.mark.parametrize("name", ["README.md", "daemon/README.md", "protectors/evaluation/glance.md"])
def test_the_texts_figures_are_those_of_the_committed_results(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "<!-- figure:" in text
    assert text == fill_figures(text, every_result()), "run `cloakroom evaluate report`"


def test_the_readme_is_for_the_person_who_installs() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.encode()) <= 10_000
    assert "git clone" in text
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize("row", [row for table in TABLES.values() for row in table.rows], ids=lambda row: row.what)
def test_published_figures_are_shown_as_printed(row: Published) -> None:
    assert row.shown(row.values) == f"{row.printed} {row.unit}".strip()
    if row.unit == "%":
        assert all(0 <= value <= 1 for value in row.values)


def test_ours_is_judged_by_the_side_that_is_better() -> None:
    lower = Published("", "0.74–10.34", "%", r"\w+\.(?!none\b)\w+\.auxiliary", "lower")
    figures = {"resnet18.vgg13_bn.auxiliary": 0.02, "resnet18.googlenet.auxiliary": 0.1, "resnet18.none.auxiliary": 0.9}
    assert lower.shown(lower.ours(figures)) == "2.00–10.00 %"
    assert lower.met(figures)
    assert not lower.met(figures | {"vgg13_bn.resnet18.auxiliary": 0.11})
    higher = Published("", "67.9", "%", "pairs_within_5", "higher", per="pairs")
    assert higher.ours({"pairs_within_5": 3, "pairs": 4}) == (0.75,)
    assert higher.met({"pairs_within_5": 3, "pairs": 4})
    assert not higher.met({"pairs_within_5": 3, "pairs": 6})
    assert not higher.met({"pairs_within_5": 3})
    time = Published("", "4.28", "s", "dsh24.ms", "lower")
    assert time.shown(time.ours({"dsh24.ms": 25.0})) == "0.03 s"


def test_the_tables_say_what_is_measured_and_where() -> None:
    text = markdown({"objects": result(OBJECTS), "unknown": result({})})
    assert text.splitlines()[0] == PREMISE
    assert "| M_all, 8/255: photos in which nothing is found that had to go | 96.1 % | **100.0 %** |" in text
    assert "| M_sen, 3/255: photos in which nothing is found that had to go | 96.5 % | 90.0 % |" in text
    assert re.search(r"by the published rule.*\| – \|", text)
    assert "`cloakroom evaluate objects` on A <quick> one, 2 cores, 24 GB, Linux" in text
    assert "seed 0; 2026-11-21" in text
    assert text.count("\n## ") == 1


def test_a_result_of_several_parts_says_how_each_was_measured() -> None:
    one, other = (
        {**result({}), "command": command} for command in ("cloakroom evaluate visual", "cloakroom evaluate visual --real")
    )
    text = markdown({"visual": {**other, "figures": {"images": 2.0}, "parts": {"embedded": one, "real": other}}})
    said = re.findall(r"Measured by `([^`]+)` on A <quick> one", text)
    assert said == ["cloakroom evaluate visual", "cloakroom evaluate visual --real"]


def test_what_no_paper_prints_has_a_grid_of_its_own() -> None:
    text = markdown({name: result(EVERY_PLOT[name]) for name in ("survival", "ensemble", "transfer", "quality")})
    heads = re.findall(r"^\| all networks fooled by the file that a site keeps \|(.*)\|$", text, re.MULTILINE)
    assert [head.split(" | ")[:2] for head in heads] == [[" M_all", "M_all, embedded"]]
    assert re.search(r"^\| webp75 \| 90 % \| 90 % \|", text, re.MULTILINE)
    assert re.search(r"^\| worst / before \| 95 % \| – \|", text, re.MULTILINE)
    assert "| objects | 90.0 % | 80.0 % | 89.0 % |" in text
    assert "| sim | 40.0 % | 40.0 % | 40.0 % | 0.4 dB |" in text
    assert "| FSIM | 0.9800 | 0.9800 | 0.9800 |" in text
    assert text.count("\n## ") == 4


def test_the_smallest_epsilon_that_meets_both_bounds_is_named() -> None:
    m_all, m_sen = notes("objects", OBJECTS)
    assert "M_all reaches the published success and leakage is 4/255: success 97.0 %, leakage 0.50 %, 40.00 dB" in m_all
    assert "on 30 photos" in m_all
    assert "M_sen reaches the published success and leakage at no epsilon measured (up to 8/255)" in m_sen
    assert notes("objects", {"detector.street.ap50": 0.8}) == []


def test_the_size_of_the_papers_perturbation_is_told_beside_ifgsms_and_ours() -> None:
    figures = {"paper": 0.1, "paper.l1": 1.234, "ifgsm": 0.11, "ifgsm.l1": 2.5, "paper.psnr": 41.0, "equal.ours": 0.05}
    smaller, equal = notes("search", {f"dbh24.{key}": value for key, value in figures.items()} | {"dbh48.paper": 0.2})
    assert smaller.startswith("DBH, 24 bits")
    assert "1.23 levels" in smaller
    assert "2.50 levels for 0.110" in smaller
    assert "at the paper's PSNR of 41.00 dB, ours leaves an mAP of 0.050, the paper's 0.100" in equal


@pytest.mark.parametrize("name", PLOTS)
def test_plots_are_png_files(name: str, tmp_path: Path) -> None:
    written = draw(name, EVERY_PLOT[name], tmp_path)
    assert len(written) == {"objects": 7, "search": 2, "scene": 5, "visual": 4, "survival": 4, "quality": 3}.get(name, 1)
    for path in written:
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert len(image.convert("RGB").getcolors(1 << 20) or ()) > 10, path


@pytest.mark.parametrize("name", PLOTS)
def test_plots_are_drawn_from_the_keys_that_are_there(name: str, tmp_path: Path) -> None:
    assert draw(name, {"detector.street.ap50": 0.8, "pairs": 3, "queries": 60}, tmp_path) == []
    assert not list(tmp_path.iterdir())


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    strip = tmp_path / "objects-1.png"
    Image.fromarray(np.zeros((4, 8, 3), np.uint8)).save(strip)
    lines: list[str] = []
    results = {name: result(EVERY_PLOT[name]) for name in ("objects", "search")}
    path = write_report(results, {"objects": [strip]}, tmp_path / "report", lines.append)
    text = path.read_text(encoding="utf-8")
    assert not lines
    assert re.search(r"<body>\s*<p>Where a paper&#x27;s data or weights cannot be had here", text)
    addresses = re.findall(r"""(?:src|href)=["']?([^"'>]*)""", text)
    assert len(addresses) == len(list((tmp_path / "report" / "plots").iterdir())) + 1
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    assert not re.search(r"<script|<link|https?://|@import|url\(|\son\w+=", text)
    assert "color-scheme: light dark" in text
    assert "A &lt;quick&gt; one" in text
    assert "<code>cloakroom evaluate objects</code>" in text
    assert "<td>96.1 %</td><td><b>100.0 %</b></td>" in text
    assert "<code>m_all.eps8.psnr</code></td><td>40</td>" in text
    assert (tmp_path / "report" / "report.md").read_text(encoding="utf-8") == markdown(results)


def test_without_matplotlib_the_report_has_no_plots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    lines: list[str] = []
    path = write_report({"objects": result(OBJECTS)}, {}, tmp_path, lines.append)
    assert path.read_text(encoding="utf-8") == page({"objects": result(OBJECTS)}, {}, {})
    assert "matplotlib" in lines[0]
    assert "pip install --editable" in lines[0]
    assert "[evaluate]" in lines[0]


def test_figures_are_written_where_a_text_asks_for_them() -> None:
    def place(name: str, key: str, form: str, content: str) -> str:
        return f"<!-- figure: {name} {key} {form} -->{content}<!-- /figure -->"

    results: dict[str, Any] = {"objects": result(OBJECTS), "firefox": result({"runs": 64})}
    asked = f"| {place('objects', 'm_all.eps8.success', '.1%', '')} of {place('firefox', 'runs', 'd', 'old')}\n |"
    filled = fill_figures(asked, results)
    assert (
        filled == f"| {place('objects', 'm_all.eps8.success', '.1%', '100.0 %')} of {place('firefox', 'runs', 'd', '64')}\n |"
    )
    assert fill_figures(filled, results) == filled
    assert fill_figures("no figures", results) == "no figures"
    for name, key in (("objects", "nothing"), ("nobody", "runs")):
        with pytest.raises(KeyError, match=f"{name} {key}"):
            fill_figures(place(name, key, ".1%", ""), results)
    with pytest.raises(ValueError, match="code 'x'"):
        fill_figures(place("firefox", "runs", ".1x", ""), {"firefox": result({"runs": 0.5})})


@pytest.mark.parametrize(
    "text",
    [
        "<!-- figure: objects m_all.eps8.success .1% -->1",
        "1<!-- /figure -->",
        "<!-- figure: objects m_all.eps8.success -->1<!-- /figure -->",
        "<!-- figure: firefox runs d --><!-- figure: firefox runs d --><!-- /figure -->",
    ],
)
def test_a_place_that_is_written_wrongly_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="figure: RESULT KEY FORMAT"):
        fill_figures(text, {"objects": result(OBJECTS), "firefox": result({"runs": 1})})
