"""Tests the figures that are computed from the sums of what real networks read."""

import pytest

from protectors.channel import sites
from protectors.evaluation.delivery import DELIVERED
from protectors.evaluation.real_tables import figures_of, summary_of

LOOKS = [{what: 1.0 for what in ("psnr", "ssim", "fsim", "ssimulacra2", "delta_e")}]


def sums(
    network: str, found: int, left: int, left_after_sites: int, people: tuple[int, int, int] = (0, 0, 0)
) -> dict[str, float]:
    """Return the sums of a detector that found some objects and people, and still finds some as delivered and after sites."""
    told: dict[str, float] = {}
    for form in (DELIVERED, *(pipeline.name for pipeline in sites.pipelines())):
        is_delivered = form == DELIVERED
        told |= {
            f"{network}.{form}.{what}": float(value)
            for what, value in {
                "objects": found,
                "objects_left": left if is_delivered else left_after_sites,
                "people": people[0],
                "people_left": people[1] if is_delivered else people[2],
                "drop": 1,
                "photos": 10,
                "nothing_left": 4,
            }.items()
        }
    return told


def test_what_lasts_is_of_the_network_with_the_least_with_its_interval() -> None:
    good, bad = sums("good", 100, 0, 10), sums("bad", 100, 20, 60)
    figures = figures_of("seen", None, good | bad | sums("judge", 50, 40, 45), LOOKS, {"judge"})
    assert figures["seen.bad.delivered.objects_left"] == pytest.approx(0.2)
    assert figures["seen.bad.worst.objects_left"] == pytest.approx(0.6)
    assert figures["judge.judge.worst.objects_left"] == pytest.approx(0.9)
    told = summary_of(figures)
    assert told["lasts.objects"] == pytest.approx(0.5)
    # By Katz's formula: 0.5 times exp(1.96 sqrt(0.6 / 40 + 0.2 / 80)), either way.
    assert told["lasts.objects.low"] == pytest.approx(0.386, abs=0.002)
    assert told["lasts.objects.high"] == pytest.approx(0.648, abs=0.002)
    assert "lasts.chosen" not in told


def test_chosen_people_are_counted_apart_from_other_objects() -> None:
    figures = figures_of("seen", None, sums("net", 10, 1, 1), LOOKS, ())
    figures |= figures_of("chosen", None, sums("net", 80, 70, 75, people=(40, 4, 8)), LOOKS, ())
    assert summary_of(figures)["lasts.chosen"] == pytest.approx(0.8 / 0.9)
    assert figures["chosen.net.delivered.counted.people_left"] == 40
