"""Counts of the pairs of target and auxiliary model that are within the bounds published for protective perturbations."""

from collections.abc import Mapping

LOST, READ = 0.05, 0.104
"""What a target may lose of its accuracy, and what an auxiliary model may still read."""


def ends(figures: Mapping[str, float]) -> list[str]:
    """Each measured pair as its keys begin, ``TARGET.AUXILIARY``; not the generators without an auxiliary model."""
    return [key.removesuffix(".lost") for key in figures if key.endswith(".lost") and ".none." not in key]


def keeps_target(figures: Mapping[str, float], end: str) -> bool:
    """Whether the target loses at most five points."""
    return figures[f"{end}.lost"] <= LOST


def blinds_auxiliary(figures: Mapping[str, float], end: str) -> bool:
    """Whether the auxiliary model reads as little as is published."""
    return figures[f"{end}.auxiliary"] <= READ


def is_less_like(figures: Mapping[str, float], end: str) -> bool:
    """Whether the pictures are less like the originals than those of the generator without an auxiliary model; not where there
    is none to compare with."""
    alone = figures.get(f"{end.partition('.')[0]}.none.ssim")
    return alone is not None and figures[f"{end}.ssim"] < alone


def counts(figures: Mapping[str, float]) -> dict[str, float]:
    """How many pairs there are, how many are within each bound, and how many within all three."""
    within = {"5": keeps_target, "auxiliary": blinds_auxiliary, "ssim": is_less_like}
    pairs = ends(figures)
    made: dict[str, float] = {"pairs": len(pairs)}
    made |= {f"pairs_within_{name}": sum(test(figures, end) for end in pairs) for name, test in within.items()}
    made["pairs_within_all"] = sum(all(test(figures, end) for test in within.values()) for end in pairs)
    return made
