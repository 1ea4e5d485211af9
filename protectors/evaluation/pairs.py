"""Counts the pairs of target and auxiliary model that meet the bounds published for protective perturbations."""

from collections.abc import Mapping

LOST, READ = 0.05, 0.104
"""Largest loss of a target's accuracy, and largest accuracy of an auxiliary model."""


def ends(figures: Mapping[str, float]) -> list[str]:
    """Return the prefix ``TARGET.AUXILIARY`` of each measured pair; generators without an auxiliary model have none."""
    return [key.removesuffix(".lost") for key in figures if key.endswith(".lost") and ".none." not in key]


def keeps_target(figures: Mapping[str, float], end: str) -> bool:
    """Return whether the target loses at most five points."""
    return figures[f"{end}.lost"] <= LOST


def blinds_auxiliary(figures: Mapping[str, float], end: str) -> bool:
    """Return whether the auxiliary model reads as little as published."""
    return figures[f"{end}.auxiliary"] <= READ


def is_less_like(figures: Mapping[str, float], end: str) -> bool:
    """Return whether the pictures are less similar to the originals than those of the target's generator without an auxiliary
    model; False without such a generator."""
    alone = figures.get(f"{end.partition('.')[0]}.none.ssim")
    return alone is not None and figures[f"{end}.ssim"] < alone


def counts(figures: Mapping[str, float]) -> dict[str, float]:
    """Return the number of pairs, of those that meet each bound, and of those that meet all three."""
    within = {"5": keeps_target, "auxiliary": blinds_auxiliary, "ssim": is_less_like}
    pairs = ends(figures)
    made: dict[str, float] = {"pairs": len(pairs)}
    made |= {f"pairs_within_{name}": sum(test(figures, end) for end in pairs) for name, test in within.items()}
    made["pairs_within_all"] = sum(all(test(figures, end) for test in within.values()) for end in pairs)
    return made
