"""Computes the figures of ``real`` from the sums of many photos."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from protectors.channel import sites
from protectors.evaluation.delivery import DELIVERED
from protectors.evaluation.intervals import ratio_with_interval
from protectors.evaluation.measurement import Figures
from protectors.evaluation.real_reading import Sums

OF_OBJECTS = ("objects_left", "drop")
WORST = "worst"


def figures_of(
    condition: str, left_out: str | None, sums: Sums, looks: Sequence[Mapping[str, float]], judges: Collection[str]
) -> Figures:
    """Return the figures of one condition.

    If a network was left out, only its readings are included. The judges' readings have the prefix ``judge``.
    """
    figures: Figures = {}
    for network, by_form in _by_network(sums).items():
        if left_out is not None and network != left_out:
            continue
        told = {form: _shares(counted) for form, counted in by_form.items()}
        names = [pipeline.name for pipeline in sites.pipelines() if pipeline.name in told]
        if names:
            told[WORST] = _worst([told[name] for name in names])
        group = "left_out" if left_out else "judge" if network in judges and condition == "seen" else condition
        figures |= {
            f"{group}.{network}.{form}.{what}": value for form, shares in told.items() for what, value in shares.items()
        }
    group = "left_out" if left_out else condition
    figures |= _search(group, left_out, sums)
    if left_out is None:
        for what in looks[0]:
            values = [photo[what] for photo in looks]
            figures |= {
                f"{condition}.{what}.{name}": float(function(values))
                for name, function in (("min", np.min), ("mean", np.mean), ("max", np.max))
            }
        figures[f"{condition}.photos"] = len(looks)
    return figures


def summary_of(figures: Figures) -> Figures:
    """Return the main figures: the quality of ``seen``, and the means of scene and search over networks."""
    looks = ("psnr.min", "ssim.min", "fsim.min", "ssimulacra2.mean", "delta_e.max")
    told = {what: figures[f"seen.{what}"] for what in looks}
    for group, name in (("seen", ""), ("left_out", "left_out.")):
        for what in ("top1", "top5"):
            told |= _mean(f"scene.{name}{what}", rf"{group}\.\w+\.delivered\.{what}", figures)
        for what in ("recall1", "recall10"):
            told |= _mean(f"search.{name}{what}", rf"{group}\.search\.\w+\.{what}", figures)
    for kind in LASTING:
        told |= _lasting(kind, figures)
    return told


LASTING = {"objects": ("seen", "objects_left"), "chosen": ("chosen", "people_left"), "scene": ("seen", "top1")}
"""For each kind of protection, the condition and the figure that tell how much of it lasts."""


def _lasting(kind: str, figures: Figures) -> Figures:
    """Return the success after the worst site over that before, for the network with the least, with its interval."""
    condition, what = LASTING[kind]
    ratios = []
    for key, left in figures.items():
        if (found := re.fullmatch(rf"{condition}\.(\w+)\.delivered\.{what}", key)) and left < 1:
            later = 1 - figures[f"{condition}.{found[1]}.{WORST}.{what}"]
            counted = figures[f"{condition}.{found[1]}.{DELIVERED}.counted.{what}"]
            ratios.append((later / (1 - left), later, 1 - left, counted))
    if not ratios:
        return {}
    _, later, before, counted = min(ratios)
    return ratio_with_interval(f"lasts.{kind}", later, before, counted)


def _mean(name: str, pattern: str, figures: Figures) -> Figures:
    values = [value for key, value in figures.items() if re.fullmatch(pattern, key)]
    return {name: float(np.mean(values))} if values else {}


def _by_network(sums: Sums) -> dict[str, dict[str, dict[str, float]]]:
    counted: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for key, value in sums.items():
        if not key.startswith("search."):
            network, form, what = key.split(".")
            counted[network][form][what] = value
    return counted


def _shares(counted: Mapping[str, float]) -> dict[str, float]:
    photos = counted["photos"]
    if "top1" in counted:
        return {what: counted[what] / photos for what in ("top1", "top5")} | {"counted.top1": photos}
    shares = {what: counted[what] / counted["objects"] for what in OF_OBJECTS}
    if counted["people"]:
        shares |= {"people_left": counted["people_left"] / counted["people"], "counted.people_left": counted["people"]}
    return shares | {"nothing_left": counted["nothing_left"] / photos, "counted.objects_left": counted["objects"]}


def _worst(of_sites: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the worst figures among sites: the most that is left, and the least of ``nothing_left`` and ``drop``."""
    worst: dict[str, float] = {}
    for what in of_sites[0]:
        values = [shares[what] for shares in of_sites if what in shares]
        worst[what] = min(values) if what in ("nothing_left", "drop") else max(values)
    return worst


def _search(group: str, left_out: str | None, sums: Sums) -> Figures:
    figures: Figures = {}
    for key, value in sums.items():
        if key.startswith("search."):
            _, network, what = key.split(".")
            if what != "photos" and left_out in (None, network):
                figures[f"{group}.search.{network}.{what}"] = value / sums[f"search.{network}.photos"]
    return figures
