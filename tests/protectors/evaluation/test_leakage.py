"""Tests success and leakage on detections written by hand, and the rows of a full run of the objects evaluation."""

import numpy as np
import pytest

from protectors.adversaries.reading import Detection
from protectors.evaluation import objects
from protectors.evaluation.leakage import Form, Found, counted, privacy, quality, under
from protectors.evaluation.objects import Photo, Reading, Row, finer_figures, further_rows, row_figures


def found(**scores: float) -> Found:
    """Return detections of given classes and scores."""
    return tuple(Detection(label, score, (0, 0, 1, 1)) for label, score in scores.items())


FORMS = [
    Form(found(person=0.9, vehicle=0.35), found(vehicle=0.25), 40.0, 0.95),
    Form(found(person=0.8), found(person=0.5), 30.0, 0.85),
    Form(found(animal=0.6, item=0.22), (), 35.0, 0.9),
]


def test_what_counts_is_sensitive_and_sure_enough() -> None:
    reading = found(person=0.9, vehicle=0.35, item=0.3, animal=0.29)
    assert counted(reading, ()) == 3
    assert counted(reading, (), 0.2) == 4
    assert counted(reading, ("person", "animal")) == 1
    assert counted((), ()) == 0


def test_success_and_leakage() -> None:
    everything = privacy(FORMS, ())
    assert everything == {"images": 3, "success": pytest.approx(2 / 3), "leakage": pytest.approx(1 / 4)}
    # At 0.2, the faint vehicle and item count as well.
    assert privacy(FORMS, (), 0.2) == {"images": 3, "success": pytest.approx(1 / 3), "leakage": pytest.approx(2 / 5)}
    # A photo without a person does not count for persons.
    assert privacy(FORMS, ("person",)) == {"images": 2, "success": 0.5, "leakage": 0.5}
    assert privacy(FORMS, ("furnishing",)) == {}
    assert quality(FORMS) == {"psnr": pytest.approx(35.0), "ssim": pytest.approx(0.9)}
    assert under("m_all.t20", {"success": 1.0}) == {"m_all.t20.success": 1.0}


def test_one_row_gives_thresholds_and_classes() -> None:
    readings = [
        Reading(form, Form(form.before, form.before, 30.0, 0.8), steps) for form, steps in zip(FORMS, (5, 9, 1), strict=True)
    ]
    figures = row_figures(Row("m_all.eps8", ()), readings)
    assert figures["m_all.eps8.steps"] == 5
    assert figures["m_all.eps8.success"] == pytest.approx(2 / 3)
    assert figures["m_all.eps8.jpeg.leakage"] == 1
    finer = finer_figures("m_all", readings, ("person", "vehicle", "furnishing"))
    for percent in (20, 25, 30, 35, 40):
        assert f"m_all.t{percent}.leakage" in finer
    assert finer["m_all.t30.leakage"] == figures["m_all.eps8.leakage"]
    assert finer["m_all.t40.leakage"] == pytest.approx(1 / 3)
    assert finer["m_all.vehicle.success"] == 1
    assert not any("furnishing" in key for key in finer), "a class that no photo holds has no figures"
    persons = finer_figures("m_sen", readings, ("person", "vehicle"))
    assert persons["m_sen.t20.images"] == persons["m_sen.person.images"] == 2
    assert not any("vehicle" in key for key in persons), "what may be read is not counted"


@pytest.mark.parametrize(("device", "few"), [("cpu", objects.FEW_PHOTOS), ("cuda", 80)])
def test_a_full_run_has_all_budgets_and_classes(device: str, few: int) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    photos = [Photo(pixels, found(person=0.9, **({"animal": 0.5} if number % 2 else {}))) for number in range(80)]
    rows = {row.prefix: (row, figures) for row, figures in further_rows(photos, ("person", "vehicle", "animal"), device)}
    for mode, sensitive in objects.MODES.items():
        assert rows[f"published.{mode}.eps8"] == (Row(f"published.{mode}.eps8", sensitive, 8, "published"), photos)
        for levels in {*range(1, 11)} - {objects.MAIN_LEVELS}:
            row, figures = rows.pop(f"{mode}.eps{levels}")
            assert (row.sensitive, row.levels, row.rule) == (sensitive, levels, "refreshed")
            assert len(figures) == (80 if levels == objects.SMALL_LEVELS else few)
        del rows[f"published.{mode}.eps8"]
    # No photo has a vehicle, and the row for persons is among the main ones.
    assert list(rows) == ["m_sen.animal"]
    row, figures = rows["m_sen.animal"]
    assert row.sensitive == ("animal",)
    assert len(figures) == min(few, 40)
