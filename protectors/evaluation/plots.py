"""Draws the plots of each evaluation for which figures exist."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from protectors.evaluation.drawing import Curve, Drawing, bars, lines, matrix
from protectors.evaluation.grids import SUBJECTS
from protectors.evaluation.published import TABLES

Figures = Mapping[str, float]

MODES = {"m_all": "M_all", "m_sen": "M_sen"}
MEASURES = {"success": "success", "leakage": "leakage", "psnr": "PSNR (dB)", "ssim": "SSIM"}
FORMS = {"clean": "before", "paper": "the paper's", "ifgsm": "iFGSM", "ours": "ours", "jpeg75": "ours, JPEG 75"}
AIMS = {"p_fgsm": "P-FGSM", "n_fgsm": "N-FGSM", "r_fgsm": "R-FGSM", "l_fgsm": "L-FGSM"}
READINGS = {
    "top1": "top-1 accuracy",
    "top5": "top-5 accuracy",
    "psnr": "PSNR (dB)",
    "brisque": "BRISQUE",
    "distance": "distance from evenly read classes",
}


def published(evaluation: str, pattern: str) -> dict[str, float]:
    """Return the paper's figures whose keys match a pattern, in our units, by the content of the pattern's group."""
    return by(pattern, {row.key: max(row.values) for row in TABLES[evaluation].rows})


def by(pattern: str, figures: Figures) -> dict[str, float]:
    """Return the figures whose keys match a pattern, by the content of the pattern's group, in their order."""
    return {found[1]: value for key, value in figures.items() if (found := re.fullmatch(pattern, key))}


def by_number(pattern: str, figures: Figures, scale: float = 1.0) -> dict[float, float]:
    """Return the same as ``by`` for a group that is a number, multiplied by ``scale``, sorted."""
    return dict(sorted((int(held) * scale, value) for held, value in by(pattern, figures).items()))


def by_pair(measure: str, figures: Figures, also_without: bool = False) -> dict[tuple[str, str], float]:
    """Return one measure by target and auxiliary model; ``also_without`` includes generators without one, named none."""
    found = by(rf"(\w+\.\w+)\.{measure}", figures)
    pairs = {(pair.partition(".")[0], pair.partition(".")[2]): value for pair, value in found.items()}
    return {pair: value for pair, value in pairs.items() if also_without or pair[1] != "none"}


def present(curves: Iterable[Curve]) -> list[Curve]:
    return [curve for curve in curves if curve.values]


def objects(figures: Figures) -> dict[str, Drawing]:
    """Draw the paper's figures 4 to 7 (by epsilon, by threshold, by class) and the image-processing baselines."""
    drawn = {}
    for measure, up in MEASURES.items():
        pattern = rf"\.eps(\d+)\.{measure}"
        curves = present(
            Curve(name, by_number(mode + pattern, figures), next(iter(published("objects", mode + pattern).values()), None))
            for mode, name in MODES.items()
        )
        if curves:
            drawn[f"{measure}_by_epsilon"] = lines(f"{up.partition(' ')[0]} by epsilon", "epsilon (1/255)", up, curves)
    for measure in ("success", "leakage"):
        thresholds = present(
            Curve(name, by_number(rf"{mode}\.t(\d+)\.{measure}", figures, 0.01)) for mode, name in MODES.items()
        )
        if thresholds:
            drawn[f"{measure}_by_threshold"] = lines(f"{measure} by detection threshold", "threshold", measure, thresholds)
        classes = present(Curve(name, by(rf"{mode}\.(?!(?:eps|t)\d)(\w+)\.{measure}", figures)) for mode, name in MODES.items())
        if classes:
            drawn[f"{measure}_by_class"] = bars(f"{measure} by class", measure, classes)
    baselines = present(Curve(measure, by(rf"baseline\.(\w+)\.{measure}", figures)) for measure in ("success", "leakage"))
    if baselines:
        drawn["baselines"] = bars("image processing instead of a perturbation", "share", baselines)
    return drawn


def search(figures: Figures) -> dict[str, Drawing]:
    """Draw mean average precision by encoder before and after, and the transfer between encoders."""
    drawn = {}
    curves = present(Curve(name, by(rf"(\w+\d+|landmarks)\.{form}", figures)) for form, name in FORMS.items())
    if curves:
        drawn["map"] = bars("retrieval before and after", "mAP", curves, published("search", r"(\w+\d+)\.paper"))
    made_on_dsh = {"the paper's": r"transfer\.paper\.dsh_to_(\w+)", "ours": r"transfer\.dsh_to_(\w+)"}
    transfers = present(Curve(name, by(pattern, figures)) for name, pattern in made_on_dsh.items())
    if transfers:
        drawn["transfer"] = bars("made on DSH, searched by another", "mAP", transfers, published("search", made_on_dsh["ours"]))
    return drawn


def scene(figures: Figures) -> dict[str, Drawing]:
    """Draw accuracy, quality and irreversibility of the four aims."""
    drawn = {}
    for measure, up in READINGS.items():
        pattern = rf"([pnrl]_fgsm)\.{measure}"
        ours, theirs = by(pattern, figures), published("scene", pattern)
        if ours:
            values, papers = ({AIMS[aim]: value for aim, value in measures.items()} for measures in (ours, theirs))
            drawn[measure] = bars(up.partition(" (")[0], up, [Curve("ours", values)], papers)
    return drawn


def visual(figures: Figures) -> dict[str, Drawing]:
    """Draw the accuracy of target and auxiliary model, the similarity and the cost, by pair."""
    drawn = {}
    for measure, title in {
        "target": "accuracy of the target",
        "auxiliary": "accuracy of the auxiliary model",
        "ssim": "SSIM",
        "ms_ratio": "time of the generator over that of the target",
    }.items():
        pairs = by_pair(measure, figures, also_without=measure == "ssim")
        if pairs:
            drawn[measure] = matrix(title, "target", "auxiliary", pairs)
    return drawn


def survival(figures: Figures) -> dict[str, Drawing]:
    """Draw success by pipeline: of cloaks against real networks, and of those against the embedded ones."""
    drawn = {}
    for subject, name in SUBJECTS.items():
        curves = present(
            Curve(title, by(rf"{prefix}{subject}\.(\w+)\.success", figures))
            for title, prefix in (("real networks", ""), ("embedded networks", r"before\."))
        )
        if curves:
            drawn[subject] = bars(f"{name}: success on the file a site keeps", "success", curves)
    return drawn


def quality(figures: Figures) -> dict[str, Drawing]:
    """Draw the distribution of each similarity, the calibration, and the errors of the channel models."""
    drawn = {}
    curves = present(
        Curve(title, {name: figures[f"{name}.{key}"] for name in ("ssim", "fsim") if f"{name}.{key}" in figures})
        for key, title in (("min", "worst photo"), ("p5", "fifth percentile"), ("mean", "mean"))
    )
    if curves:
        drawn["likeness"] = bars("delivered photos beside their originals", "likeness", curves)
    expected = by(r"calibration\.bin(\d)\.expected", figures)
    bins = {f"{10 * int(key)}–{10 * int(key) + 10} %": value for key, value in expected.items()}
    if bins:
        came = dict(zip(bins, by(r"calibration\.bin(\d)\.fooled", figures).values(), strict=True))
        both = [Curve("expected", bins), Curve("fooled", came)]
        drawn["calibration"] = bars("models that nobody tried: expected to be fooled, and fooled", "share", both)
    distances = present([Curve("mean distance", by(r"channel\.(?!distance)(\w+)", figures))])
    if distances:
        drawn["channels"] = bars("models of the channels beside Pillow's files", "8-bit levels", distances)
    return drawn


def ensemble(figures: Figures) -> dict[str, Drawing]:
    """Draw the share protected from each kind of adversary, by a cloak against it alone and by one against all."""
    curves = present(Curve(title, by(rf"(\w+)\.{title}", figures)) for title in ("alone", "together"))
    return {"together": bars("one cloak for each, and one for all", "photos protected", curves)} if curves else {}


def transfer(figures: Figures) -> dict[str, Drawing]:
    """Draw the success of each method by left-out architecture."""
    methods = by(r"(\w+)\.mean", figures)
    curves = present(Curve(name, by(rf"{name}\.(?!psnr|margin)(\w+)", figures)) for name in methods)
    return {"left_out": bars("success on an architecture that was left out", "success", curves)} if curves else {}


def real(figures: Figures) -> dict[str, Drawing]:
    """Draw the objects that real detectors still find: optimised on, judges only, left out, and with embedded models."""
    groups = ("seen", "judge", "left_out", "before")
    curves = present(Curve(group, by(rf"{group}\.(\w+)\.delivered\.objects_left", figures)) for group in groups)
    return {"objects_left": bars("objects that real detectors still find", "share of the objects", curves)} if curves else {}


PLOTS: Mapping[str, Callable[[Figures], dict[str, Drawing]]] = {
    "objects": objects,
    "search": search,
    "scene": scene,
    "visual": visual,
    "survival": survival,
    "ensemble": ensemble,
    "transfer": transfer,
    "quality": quality,
    "real": real,
}


def draw(name: str, figures: Figures, folder: Path) -> list[Path]:
    """Draw the plots of one evaluation as PNG files ``NAME.PLOT.png``, and return their paths in order.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    written = []
    for plot, drawing in PLOTS[name](figures).items():
        folder.mkdir(parents=True, exist_ok=True)
        written.append(folder / f"{name}.{plot}.png")
        drawing.savefig(written[-1])
    return written
